CREATE TABLE `api_keys` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`name` varchar(100) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`scopes` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`prefix` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`key_sha256` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`expires_at` datetime(3),
	`created_at` datetime(3) NOT NULL,
	`last_used_at` datetime(3),
	CONSTRAINT `api_keys_id` PRIMARY KEY(`id`),
	CONSTRAINT `api_keys_key_sha256_unique` UNIQUE(`key_sha256`)
);
--> statement-breakpoint
CREATE TABLE `backups` (
	`name` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`bytes` bigint,
	`row_count` bigint,
	`sha256` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`is_encrypted` tinyint(1) NOT NULL,
	`consistency` varchar(16) character set utf8mb4 collate utf8mb4_bin,
	`result` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`verified_at` datetime(3),
	`drilled_at` datetime(3),
	CONSTRAINT `backups_name` PRIMARY KEY(`name`)
);
--> statement-breakpoint
CREATE TABLE `executions` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`workflow_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`status` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`state` longtext character set utf8mb4 collate utf8mb4_bin,
	`started_at` datetime(3),
	`completed_at` datetime(3),
	`version_number` bigint NOT NULL,
	`input` longtext character set utf8mb4 collate utf8mb4_bin,
	`error` longtext character set utf8mb4 collate utf8mb4_bin,
	`attempts` bigint NOT NULL,
	`max_attempts` bigint NOT NULL,
	`fence` bigint NOT NULL,
	`lease_owner` varchar(100) character set utf8mb4 collate utf8mb4_bin,
	`lease_until` datetime(3),
	`due_at` datetime(3),
	`created_at` datetime(3) NOT NULL,
	`updated_at` datetime(3) NOT NULL,
	`last_op` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	CONSTRAINT `executions_id` PRIMARY KEY(`id`),
	CONSTRAINT `executions_status_check` CHECK(`executions`.`status` in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
	CONSTRAINT `executions_state_check` CHECK((json_valid(`executions`.`state`) or char_length(`executions`.`state`) - char_length(replace(replace(`executions`.`state`, '[', ''), '{', '')) >= 32 or `executions`.`state` regexp '[0-9]{300}|[eE][+]?[0-9]{3}')),
	CONSTRAINT `executions_input_check` CHECK((json_valid(`executions`.`input`) or char_length(`executions`.`input`) - char_length(replace(replace(`executions`.`input`, '[', ''), '{', '')) >= 32 or `executions`.`input` regexp '[0-9]{300}|[eE][+]?[0-9]{3}')),
	CONSTRAINT `executions_error_check` CHECK((json_valid(`executions`.`error`) or char_length(`executions`.`error`) - char_length(replace(replace(`executions`.`error`, '[', ''), '{', '')) >= 32 or `executions`.`error` regexp '[0-9]{300}|[eE][+]?[0-9]{3}'))
);
--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`idempotency_key` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`fingerprint` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`status` bigint NOT NULL,
	`headers` longtext character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`body` longtext character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	CONSTRAINT `idempotency_keys_pk` PRIMARY KEY(`user_id`,`idempotency_key`)
);
--> statement-breakpoint
CREATE TABLE `login_attempts` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`kind` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`name_key` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`network` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`attempted_at` datetime(3) NOT NULL,
	CONSTRAINT `login_attempts_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`family_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`refresh_sha256` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`user_agent` varchar(512) character set utf8mb4 collate utf8mb4_bin,
	`created_at` datetime(3) NOT NULL,
	`last_used_at` datetime(3) NOT NULL,
	`expires_at` datetime(3) NOT NULL,
	`replaced_at` datetime(3),
	CONSTRAINT `sessions_id` PRIMARY KEY(`id`),
	CONSTRAINT `sessions_refresh_sha256_unique` UNIQUE(`refresh_sha256`)
);
--> statement-breakpoint
CREATE TABLE `settings` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`settings_data` longtext character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`updated_at` datetime(3) NOT NULL,
	`revision` bigint NOT NULL,
	`last_op` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	CONSTRAINT `settings_id` PRIMARY KEY(`id`),
	CONSTRAINT `settings_user_id_unique` UNIQUE(`user_id`),
	CONSTRAINT `settings_settings_data_check` CHECK((json_valid(`settings`.`settings_data`) or char_length(`settings`.`settings_data`) - char_length(replace(replace(`settings`.`settings_data`, '[', ''), '{', '')) >= 32 or `settings`.`settings_data` regexp '[0-9]{300}|[eE][+]?[0-9]{3}'))
);
--> statement-breakpoint
CREATE TABLE `users` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`username` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`email` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`password_hash` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`username_key` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`email_key` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`role` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`disabled_at` datetime(3),
	`tokens_valid_from` datetime(3) NOT NULL,
	`updated_at` datetime(3) NOT NULL,
	CONSTRAINT `users_id` PRIMARY KEY(`id`),
	CONSTRAINT `users_username_unique` UNIQUE(`username`),
	CONSTRAINT `users_email_unique` UNIQUE(`email`),
	CONSTRAINT `users_username_key_unique` UNIQUE(`username_key`),
	CONSTRAINT `users_email_key_unique` UNIQUE(`email_key`),
	CONSTRAINT `users_role_check` CHECK(`users`.`role` in ('user', 'admin'))
);
--> statement-breakpoint
CREATE TABLE `workflow_shares` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`workflow_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`shared_with_user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`permission` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`shared_by` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	CONSTRAINT `workflow_shares_id` PRIMARY KEY(`id`),
	CONSTRAINT `workflow_shares_workflow_id_shared_with_user_id_unique` UNIQUE(`workflow_id`,`shared_with_user_id`),
	CONSTRAINT `workflow_shares_permission_check` CHECK(`workflow_shares`.`permission` in ('view', 'execute', 'edit'))
);
--> statement-breakpoint
CREATE TABLE `workflow_versions` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`workflow_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`version_number` bigint NOT NULL,
	`definition` longtext character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`change_notes` longtext character set utf8mb4 collate utf8mb4_bin,
	`created_by` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`created_at` datetime(3) NOT NULL,
	CONSTRAINT `workflow_versions_pk` PRIMARY KEY(`workflow_id`,`version_number`),
	CONSTRAINT `workflow_versions_id_unique` UNIQUE(`id`),
	CONSTRAINT `workflow_versions_definition_check` CHECK((json_valid(`workflow_versions`.`definition`) or char_length(`workflow_versions`.`definition`) - char_length(replace(replace(`workflow_versions`.`definition`, '[', ''), '{', '')) >= 32 or `workflow_versions`.`definition` regexp '[0-9]{300}|[eE][+]?[0-9]{3}'))
);
--> statement-breakpoint
CREATE TABLE `workflows` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`name` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`description` longtext character set utf8mb4 collate utf8mb4_bin,
	`version_number` bigint NOT NULL,
	`definition` longtext character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`owner_id` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`is_public` tinyint(1) NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`updated_at` datetime(3) NOT NULL,
	`revision` bigint NOT NULL,
	`last_op` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`name_key` longtext character set utf8mb4 collate utf8mb4_bin NOT NULL,
	CONSTRAINT `workflows_id` PRIMARY KEY(`id`),
	CONSTRAINT `workflows_definition_check` CHECK((json_valid(`workflows`.`definition`) or char_length(`workflows`.`definition`) - char_length(replace(replace(`workflows`.`definition`, '[', ''), '{', '')) >= 32 or `workflows`.`definition` regexp '[0-9]{300}|[eE][+]?[0-9]{3}'))
);
--> statement-breakpoint
ALTER TABLE `api_keys` ADD CONSTRAINT `api_keys_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `executions` ADD CONSTRAINT `executions_workflow_id_workflows_id_fk` FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `executions` ADD CONSTRAINT `executions_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `idempotency_keys` ADD CONSTRAINT `idempotency_keys_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `sessions` ADD CONSTRAINT `sessions_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `settings` ADD CONSTRAINT `settings_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `workflow_shares` ADD CONSTRAINT `workflow_shares_workflow_id_workflows_id_fk` FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `workflow_shares` ADD CONSTRAINT `workflow_shares_shared_with_user_id_users_id_fk` FOREIGN KEY (`shared_with_user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `workflow_shares` ADD CONSTRAINT `workflow_shares_shared_by_users_id_fk` FOREIGN KEY (`shared_by`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `workflow_versions` ADD CONSTRAINT `workflow_versions_workflow_id_workflows_id_fk` FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `workflow_versions` ADD CONSTRAINT `workflow_versions_created_by_users_id_fk` FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `workflows` ADD CONSTRAINT `workflows_owner_id_users_id_fk` FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `api_keys_user_id_created_at_id_index` ON `api_keys` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `backups_created_at_name_index` ON `backups` (`created_at`,`name`);--> statement-breakpoint
CREATE INDEX `executions_workflow_id_created_at_id_index` ON `executions` (`workflow_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_user_id_created_at_id_index` ON `executions` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_created_at_id_index` ON `executions` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_status_due_at_created_at_id_index` ON `executions` (`status`,`due_at`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_workflow_id_status_due_at_created_at_id_index` ON `executions` (`workflow_id`,`status`,`due_at`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_status_lease_until_id_index` ON `executions` (`status`,`lease_until`,`id`);--> statement-breakpoint
CREATE INDEX `idempotency_keys_created_at_index` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
CREATE INDEX `login_attempts_name_key_attempted_at_index` ON `login_attempts` (`kind`,`name_key`,`attempted_at`);--> statement-breakpoint
CREATE INDEX `login_attempts_network_attempted_at_index` ON `login_attempts` (`kind`,`network`,`attempted_at`);--> statement-breakpoint
CREATE INDEX `login_attempts_attempted_at_index` ON `login_attempts` (`attempted_at`);--> statement-breakpoint
CREATE INDEX `sessions_family_id_index` ON `sessions` (`family_id`);--> statement-breakpoint
CREATE INDEX `sessions_user_id_created_at_id_index` ON `sessions` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_expires_at_index` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE INDEX `users_created_at_id_index` ON `users` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `workflow_shares_shared_with_user_id_workflow_id_index` ON `workflow_shares` (`shared_with_user_id`,`workflow_id`);--> statement-breakpoint
CREATE INDEX `workflows_owner_id_created_at_id_index` ON `workflows` (`owner_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `workflows_owner_id_updated_at_id_index` ON `workflows` (`owner_id`,`updated_at`,`id`);--> statement-breakpoint
CREATE INDEX `workflows_is_public_created_at_id_index` ON `workflows` (`is_public`,`created_at`,`id`);