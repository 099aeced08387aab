CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`scopes` text NOT NULL,
	`prefix` text NOT NULL,
	`key_sha256` text NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_key_sha256_unique` ON `api_keys` (`key_sha256`);--> statement-breakpoint
CREATE INDEX `api_keys_user_id_created_at_id_index` ON `api_keys` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `backups` (
	`name` text PRIMARY KEY NOT NULL,
	`bytes` integer,
	`row_count` integer,
	`sha256` text,
	`is_encrypted` integer NOT NULL,
	`consistency` text,
	`result` text NOT NULL,
	`created_at` integer NOT NULL,
	`verified_at` integer,
	`drilled_at` integer
);
--> statement-breakpoint
CREATE INDEX `backups_created_at_name_index` ON `backups` (`created_at`,`name`);--> statement-breakpoint
CREATE TABLE `executions` (
	`id` text PRIMARY KEY NOT NULL,
	`workflow_id` text NOT NULL,
	`user_id` text,
	`status` text NOT NULL,
	`state` text,
	`started_at` integer,
	`completed_at` integer,
	`version_number` integer NOT NULL,
	`input` text,
	`error` text,
	`attempts` integer NOT NULL,
	`max_attempts` integer NOT NULL,
	`fence` integer NOT NULL,
	`lease_owner` text,
	`lease_until` integer,
	`due_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_op` text,
	FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "executions_status_check" CHECK("executions"."status" in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
	CONSTRAINT "executions_state_check" CHECK("executions"."state" is null or json_valid("executions"."state")),
	CONSTRAINT "executions_input_check" CHECK("executions"."input" is null or json_valid("executions"."input")),
	CONSTRAINT "executions_error_check" CHECK("executions"."error" is null or json_valid("executions"."error"))
);
--> statement-breakpoint
CREATE INDEX `executions_workflow_id_created_at_id_index` ON `executions` (`workflow_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_user_id_created_at_id_index` ON `executions` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_created_at_id_index` ON `executions` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_status_due_at_created_at_id_index` ON `executions` (`status`,`due_at`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_workflow_id_status_due_at_created_at_id_index` ON `executions` (`workflow_id`,`status`,`due_at`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_status_lease_until_id_index` ON `executions` (`status`,`lease_until`,`id`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`user_id` text NOT NULL,
	`idempotency_key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`status` integer NOT NULL,
	`headers` text NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `idempotency_key`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_created_at_index` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
CREATE TABLE `login_attempts` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`name_key` text NOT NULL,
	`network` text NOT NULL,
	`attempted_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `login_attempts_name_key_attempted_at_index` ON `login_attempts` (`kind`,`name_key`,`attempted_at`);--> statement-breakpoint
CREATE INDEX `login_attempts_network_attempted_at_index` ON `login_attempts` (`kind`,`network`,`attempted_at`);--> statement-breakpoint
CREATE INDEX `login_attempts_attempted_at_index` ON `login_attempts` (`attempted_at`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`family_id` text NOT NULL,
	`user_id` text NOT NULL,
	`refresh_sha256` text NOT NULL,
	`user_agent` text,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`replaced_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_refresh_sha256_unique` ON `sessions` (`refresh_sha256`);--> statement-breakpoint
CREATE INDEX `sessions_family_id_index` ON `sessions` (`family_id`);--> statement-breakpoint
CREATE INDEX `sessions_user_id_created_at_id_index` ON `sessions` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_expires_at_index` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `settings` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`settings_data` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`revision` integer NOT NULL,
	`last_op` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "settings_settings_data_check" CHECK("settings"."settings_data" is null or json_valid("settings"."settings_data"))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `settings_user_id_unique` ON `settings` (`user_id`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`email` text NOT NULL,
	`password_hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`username_key` text NOT NULL,
	`email_key` text NOT NULL,
	`role` text NOT NULL,
	`disabled_at` integer,
	`tokens_valid_from` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "users_role_check" CHECK("users"."role" in ('user', 'admin'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_username_unique` ON `users` (`username`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_email_unique` ON `users` (`email`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_username_key_unique` ON `users` (`username_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_email_key_unique` ON `users` (`email_key`);--> statement-breakpoint
CREATE INDEX `users_created_at_id_index` ON `users` (`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `workflow_shares` (
	`id` text PRIMARY KEY NOT NULL,
	`workflow_id` text NOT NULL,
	`shared_with_user_id` text NOT NULL,
	`permission` text NOT NULL,
	`created_at` integer NOT NULL,
	`shared_by` text,
	FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`shared_with_user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`shared_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "workflow_shares_permission_check" CHECK("workflow_shares"."permission" in ('view', 'execute', 'edit'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `workflow_shares_workflow_id_shared_with_user_id_unique` ON `workflow_shares` (`workflow_id`,`shared_with_user_id`);--> statement-breakpoint
CREATE INDEX `workflow_shares_shared_with_user_id_workflow_id_index` ON `workflow_shares` (`shared_with_user_id`,`workflow_id`);--> statement-breakpoint
CREATE TABLE `workflow_versions` (
	`id` text NOT NULL,
	`workflow_id` text NOT NULL,
	`version_number` integer NOT NULL,
	`definition` text NOT NULL,
	`change_notes` text,
	`created_by` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`workflow_id`, `version_number`),
	FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "workflow_versions_definition_check" CHECK("workflow_versions"."definition" is null or json_valid("workflow_versions"."definition"))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `workflow_versions_id_unique` ON `workflow_versions` (`id`);--> statement-breakpoint
CREATE TABLE `workflows` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`version_number` integer NOT NULL,
	`definition` text NOT NULL,
	`owner_id` text,
	`is_public` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`revision` integer NOT NULL,
	`last_op` text,
	`name_key` text NOT NULL,
	FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "workflows_definition_check" CHECK("workflows"."definition" is null or json_valid("workflows"."definition"))
);
--> statement-breakpoint
CREATE INDEX `workflows_owner_id_created_at_id_index` ON `workflows` (`owner_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `workflows_owner_id_updated_at_id_index` ON `workflows` (`owner_id`,`updated_at`,`id`);--> statement-breakpoint
CREATE INDEX `workflows_is_public_created_at_id_index` ON `workflows` (`is_public`,`created_at`,`id`);