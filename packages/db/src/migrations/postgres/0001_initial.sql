CREATE TABLE "api_keys" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"scopes" text collate "C" NOT NULL,
	"prefix" text collate "C" NOT NULL,
	"key_sha256" text collate "C" NOT NULL,
	"expires_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone NOT NULL,
	"last_used_at" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE TABLE "backups" (
	"name" text collate "C" PRIMARY KEY NOT NULL,
	"bytes" bigint,
	"row_count" bigint,
	"sha256" text collate "C",
	"is_encrypted" boolean NOT NULL,
	"consistency" text collate "C",
	"result" text collate "C" NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"verified_at" timestamp(3) with time zone,
	"drilled_at" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE TABLE "executions" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workflow_id" text collate "C" NOT NULL,
	"user_id" text collate "C",
	"status" text collate "C" NOT NULL,
	"state" json,
	"started_at" timestamp(3) with time zone,
	"completed_at" timestamp(3) with time zone,
	"version_number" bigint NOT NULL,
	"input" json,
	"error" json,
	"attempts" bigint NOT NULL,
	"max_attempts" bigint NOT NULL,
	"fence" bigint NOT NULL,
	"lease_owner" text collate "C",
	"lease_until" timestamp(3) with time zone,
	"due_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	"last_op" text collate "C",
	CONSTRAINT "executions_status_check" CHECK ("executions"."status" in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"user_id" text collate "C" NOT NULL,
	"idempotency_key" text collate "C" NOT NULL,
	"fingerprint" text collate "C" NOT NULL,
	"status" bigint NOT NULL,
	"headers" text collate "C" NOT NULL,
	"body" text collate "C" NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_pk" PRIMARY KEY("user_id","idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "login_attempts" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"kind" text collate "C" NOT NULL,
	"name_key" text collate "C" NOT NULL,
	"network" text collate "C" NOT NULL,
	"attempted_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"family_id" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"refresh_sha256" text collate "C" NOT NULL,
	"user_agent" text collate "C",
	"created_at" timestamp(3) with time zone NOT NULL,
	"last_used_at" timestamp(3) with time zone NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"replaced_at" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"settings_data" json NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	"revision" bigint NOT NULL,
	"last_op" text collate "C"
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"username" text collate "C" NOT NULL,
	"email" text collate "C" NOT NULL,
	"password_hash" text collate "C" NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"username_key" text collate "C" NOT NULL,
	"email_key" text collate "C" NOT NULL,
	"role" text collate "C" NOT NULL,
	"disabled_at" timestamp(3) with time zone,
	"tokens_valid_from" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "users_role_check" CHECK ("users"."role" in ('user', 'admin'))
);
--> statement-breakpoint
CREATE TABLE "workflow_shares" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workflow_id" text collate "C" NOT NULL,
	"shared_with_user_id" text collate "C" NOT NULL,
	"permission" text collate "C" NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"shared_by" text collate "C",
	CONSTRAINT "workflow_shares_permission_check" CHECK ("workflow_shares"."permission" in ('view', 'execute', 'edit'))
);
--> statement-breakpoint
CREATE TABLE "workflow_versions" (
	"id" text collate "C" NOT NULL,
	"workflow_id" text collate "C" NOT NULL,
	"version_number" bigint NOT NULL,
	"definition" json NOT NULL,
	"change_notes" text collate "C",
	"created_by" text collate "C",
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "workflow_versions_pk" PRIMARY KEY("workflow_id","version_number")
);
--> statement-breakpoint
CREATE TABLE "workflows" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"name" text collate "C" NOT NULL,
	"description" text collate "C",
	"version_number" bigint NOT NULL,
	"definition" json NOT NULL,
	"owner_id" text collate "C",
	"is_public" boolean NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	"revision" bigint NOT NULL,
	"last_op" text collate "C",
	"name_key" text collate "C" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "executions" ADD CONSTRAINT "executions_workflow_id_workflows_id_fk" FOREIGN KEY ("workflow_id") REFERENCES "public"."workflows"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "executions" ADD CONSTRAINT "executions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settings" ADD CONSTRAINT "settings_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflow_shares" ADD CONSTRAINT "workflow_shares_workflow_id_workflows_id_fk" FOREIGN KEY ("workflow_id") REFERENCES "public"."workflows"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflow_shares" ADD CONSTRAINT "workflow_shares_shared_with_user_id_users_id_fk" FOREIGN KEY ("shared_with_user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflow_shares" ADD CONSTRAINT "workflow_shares_shared_by_users_id_fk" FOREIGN KEY ("shared_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflow_versions" ADD CONSTRAINT "workflow_versions_workflow_id_workflows_id_fk" FOREIGN KEY ("workflow_id") REFERENCES "public"."workflows"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflow_versions" ADD CONSTRAINT "workflow_versions_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflows" ADD CONSTRAINT "workflows_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_key_sha256_unique" ON "api_keys" USING btree ("key_sha256");--> statement-breakpoint
CREATE INDEX "api_keys_user_id_created_at_id_index" ON "api_keys" USING btree ("user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "backups_created_at_name_index" ON "backups" USING btree ("created_at","name");--> statement-breakpoint
CREATE INDEX "executions_workflow_id_created_at_id_index" ON "executions" USING btree ("workflow_id","created_at","id");--> statement-breakpoint
CREATE INDEX "executions_user_id_created_at_id_index" ON "executions" USING btree ("user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "executions_created_at_id_index" ON "executions" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "executions_status_due_at_created_at_id_index" ON "executions" USING btree ("status","due_at","created_at","id");--> statement-breakpoint
CREATE INDEX "executions_workflow_id_status_due_at_created_at_id_index" ON "executions" USING btree ("workflow_id","status","due_at","created_at","id");--> statement-breakpoint
CREATE INDEX "executions_status_lease_until_id_index" ON "executions" USING btree ("status","lease_until","id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_created_at_index" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "login_attempts_name_key_attempted_at_index" ON "login_attempts" USING btree ("kind","name_key","attempted_at");--> statement-breakpoint
CREATE INDEX "login_attempts_network_attempted_at_index" ON "login_attempts" USING btree ("kind","network","attempted_at");--> statement-breakpoint
CREATE INDEX "login_attempts_attempted_at_index" ON "login_attempts" USING btree ("attempted_at");--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_refresh_sha256_unique" ON "sessions" USING btree ("refresh_sha256");--> statement-breakpoint
CREATE INDEX "sessions_family_id_index" ON "sessions" USING btree ("family_id");--> statement-breakpoint
CREATE INDEX "sessions_user_id_created_at_id_index" ON "sessions" USING btree ("user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "sessions_expires_at_index" ON "sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "settings_user_id_unique" ON "settings" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "users_username_unique" ON "users" USING btree ("username");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_unique" ON "users" USING btree ("email");--> statement-breakpoint
CREATE UNIQUE INDEX "users_username_key_unique" ON "users" USING btree ("username_key");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_key_unique" ON "users" USING btree ("email_key");--> statement-breakpoint
CREATE INDEX "users_created_at_id_index" ON "users" USING btree ("created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "workflow_shares_workflow_id_shared_with_user_id_unique" ON "workflow_shares" USING btree ("workflow_id","shared_with_user_id");--> statement-breakpoint
CREATE INDEX "workflow_shares_shared_with_user_id_workflow_id_index" ON "workflow_shares" USING btree ("shared_with_user_id","workflow_id");--> statement-breakpoint
CREATE UNIQUE INDEX "workflow_versions_id_unique" ON "workflow_versions" USING btree ("id");--> statement-breakpoint
CREATE INDEX "workflows_owner_id_created_at_id_index" ON "workflows" USING btree ("owner_id","created_at","id");--> statement-breakpoint
CREATE INDEX "workflows_owner_id_updated_at_id_index" ON "workflows" USING btree ("owner_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "workflows_is_public_created_at_id_index" ON "workflows" USING btree ("is_public","created_at","id");