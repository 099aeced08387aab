CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`type` text NOT NULL,
	`actor_kind` text NOT NULL,
	`actor_user_id` text,
	`actor_id` text,
	`subject_type` text NOT NULL,
	`subject_id` text,
	`workflow_id` text,
	`owner_id` text,
	`data` text NOT NULL,
	`network` text,
	`request_id` text,
	CONSTRAINT "audit_actor_kind_check" CHECK("audit"."actor_kind" in ('user', 'key', 'schedule', 'command', 'system')),
	CONSTRAINT "audit_data_check" CHECK("audit"."data" is null or json_valid("audit"."data"))
);
--> statement-breakpoint
CREATE INDEX `audit_at_id_index` ON `audit` (`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_type_at_id_index` ON `audit` (`type`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_actor_user_id_at_id_index` ON `audit` (`actor_user_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_owner_id_at_id_index` ON `audit` (`owner_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_subject_id_at_id_index` ON `audit` (`subject_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_workflow_id_at_id_index` ON `audit` (`workflow_id`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `execution_history` (
	`execution_id` text NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`fence` integer,
	`worker` text,
	`actor` text,
	`key` text,
	`name` text,
	`output` text,
	`error` text,
	`payload` text,
	`attempt` integer,
	`started_at` integer,
	PRIMARY KEY(`execution_id`, `seq`),
	FOREIGN KEY (`execution_id`) REFERENCES `executions`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "execution_history_type_check" CHECK("execution_history"."type" in ('created', 'claimed', 'step', 'signal', 'paused', 'resumed', 'released', 'lease_expired', 'completed', 'failed', 'cancelled')),
	CONSTRAINT "execution_history_output_check" CHECK("execution_history"."output" is null or json_valid("execution_history"."output")),
	CONSTRAINT "execution_history_error_check" CHECK("execution_history"."error" is null or json_valid("execution_history"."error")),
	CONSTRAINT "execution_history_payload_check" CHECK("execution_history"."payload" is null or json_valid("execution_history"."payload"))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `execution_history_execution_id_key_unique` ON `execution_history` (`execution_id`,`key`);--> statement-breakpoint
CREATE TABLE `password_resets` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`token_sha256` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `password_resets_token_sha256_unique` ON `password_resets` (`token_sha256`);--> statement-breakpoint
CREATE INDEX `password_resets_user_id_index` ON `password_resets` (`user_id`);--> statement-breakpoint
CREATE INDEX `password_resets_expires_at_index` ON `password_resets` (`expires_at`);--> statement-breakpoint
CREATE TABLE `schedules` (
	`id` text PRIMARY KEY NOT NULL,
	`workflow_id` text NOT NULL,
	`name` text NOT NULL,
	`cron` text NOT NULL,
	`time_zone` text NOT NULL,
	`input` text,
	`max_attempts` integer NOT NULL,
	`is_enabled` integer NOT NULL,
	`disabled_reason` text,
	`overlap` text NOT NULL,
	`catch_up` text NOT NULL,
	`next_at` integer,
	`last_at` integer,
	`last_execution_id` text,
	`revision` integer NOT NULL,
	`created_by` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_op` text,
	FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "schedules_overlap_check" CHECK("schedules"."overlap" in ('allow', 'skip')),
	CONSTRAINT "schedules_catch_up_check" CHECK("schedules"."catch_up" in ('latest', 'none')),
	CONSTRAINT "schedules_input_check" CHECK("schedules"."input" is null or json_valid("schedules"."input"))
);
--> statement-breakpoint
CREATE INDEX `schedules_workflow_id_created_at_id_index` ON `schedules` (`workflow_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `schedules_created_by_index` ON `schedules` (`created_by`);--> statement-breakpoint
CREATE INDEX `schedules_next_at_id_index` ON `schedules` (`next_at`,`id`);--> statement-breakpoint
DROP INDEX `sessions_family_id_index`;--> statement-breakpoint
CREATE INDEX `sessions_family_id_replaced_at_index` ON `sessions` (`family_id`,`replaced_at`);--> statement-breakpoint
ALTER TABLE `executions` ADD `wait_for` text;--> statement-breakpoint
ALTER TABLE `executions` ADD `schedule_id` text;--> statement-breakpoint
ALTER TABLE `executions` ADD `last_seq` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `executions_completed_at_id_index` ON `executions` (`completed_at`,`id`);--> statement-breakpoint
ALTER TABLE `workflows` ADD `transferred_at` integer;