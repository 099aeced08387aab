CREATE TABLE "audit" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"at" timestamp(3) with time zone NOT NULL,
	"type" text collate "C" NOT NULL,
	"actor_kind" text collate "C" NOT NULL,
	"actor_user_id" text collate "C",
	"actor_id" text collate "C",
	"subject_type" text collate "C" NOT NULL,
	"subject_id" text collate "C",
	"workflow_id" text collate "C",
	"owner_id" text collate "C",
	"data" json NOT NULL,
	"network" text collate "C",
	"request_id" text collate "C",
	CONSTRAINT "audit_actor_kind_check" CHECK ("audit"."actor_kind" in ('user', 'key', 'schedule', 'command', 'system'))
);
--> statement-breakpoint
CREATE TABLE "execution_history" (
	"execution_id" text collate "C" NOT NULL,
	"seq" bigint NOT NULL,
	"type" text collate "C" NOT NULL,
	"at" timestamp(3) with time zone NOT NULL,
	"fence" bigint,
	"worker" text collate "C",
	"actor" text collate "C",
	"key" text collate "C",
	"name" text collate "C",
	"output" json,
	"error" json,
	"payload" json,
	"attempt" bigint,
	"started_at" timestamp(3) with time zone,
	CONSTRAINT "execution_history_pk" PRIMARY KEY("execution_id","seq"),
	CONSTRAINT "execution_history_type_check" CHECK ("execution_history"."type" in ('created', 'claimed', 'step', 'signal', 'paused', 'resumed', 'released', 'lease_expired', 'completed', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "password_resets" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"token_sha256" text collate "C" NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workflow_id" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"cron" text collate "C" NOT NULL,
	"time_zone" text collate "C" NOT NULL,
	"input" json,
	"max_attempts" bigint NOT NULL,
	"is_enabled" boolean NOT NULL,
	"disabled_reason" text collate "C",
	"overlap" text collate "C" NOT NULL,
	"catch_up" text collate "C" NOT NULL,
	"next_at" timestamp(3) with time zone,
	"last_at" timestamp(3) with time zone,
	"last_execution_id" text collate "C",
	"revision" bigint NOT NULL,
	"created_by" text collate "C",
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	"last_op" text collate "C",
	CONSTRAINT "schedules_overlap_check" CHECK ("schedules"."overlap" in ('allow', 'skip')),
	CONSTRAINT "schedules_catch_up_check" CHECK ("schedules"."catch_up" in ('latest', 'none'))
);
--> statement-breakpoint
DROP INDEX "sessions_family_id_index";--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "wait_for" text collate "C";--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "schedule_id" text collate "C";--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "last_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "workflows" ADD COLUMN "transferred_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "execution_history" ADD CONSTRAINT "execution_history_execution_id_executions_id_fk" FOREIGN KEY ("execution_id") REFERENCES "public"."executions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "password_resets" ADD CONSTRAINT "password_resets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_workflow_id_workflows_id_fk" FOREIGN KEY ("workflow_id") REFERENCES "public"."workflows"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_at_id_index" ON "audit" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "audit_type_at_id_index" ON "audit" USING btree ("type","at","id");--> statement-breakpoint
CREATE INDEX "audit_actor_user_id_at_id_index" ON "audit" USING btree ("actor_user_id","at","id");--> statement-breakpoint
CREATE INDEX "audit_owner_id_at_id_index" ON "audit" USING btree ("owner_id","at","id");--> statement-breakpoint
CREATE INDEX "audit_subject_id_at_id_index" ON "audit" USING btree ("subject_id","at","id");--> statement-breakpoint
CREATE INDEX "audit_workflow_id_at_id_index" ON "audit" USING btree ("workflow_id","at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "execution_history_execution_id_key_unique" ON "execution_history" USING btree ("execution_id","key");--> statement-breakpoint
CREATE UNIQUE INDEX "password_resets_token_sha256_unique" ON "password_resets" USING btree ("token_sha256");--> statement-breakpoint
CREATE INDEX "password_resets_user_id_index" ON "password_resets" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "password_resets_expires_at_index" ON "password_resets" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "schedules_workflow_id_created_at_id_index" ON "schedules" USING btree ("workflow_id","created_at","id");--> statement-breakpoint
CREATE INDEX "schedules_created_by_index" ON "schedules" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "schedules_next_at_id_index" ON "schedules" USING btree ("next_at","id");--> statement-breakpoint
CREATE INDEX "executions_completed_at_id_index" ON "executions" USING btree ("completed_at","id");--> statement-breakpoint
CREATE INDEX "sessions_family_id_replaced_at_index" ON "sessions" USING btree ("family_id","replaced_at");