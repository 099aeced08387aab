CREATE TABLE `audit` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`at` datetime(3) NOT NULL,
	`type` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`actor_kind` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`actor_user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`actor_id` varchar(255) character set utf8mb4 collate utf8mb4_bin,
	`subject_type` varchar(32) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`subject_id` varchar(255) character set utf8mb4 collate utf8mb4_bin,
	`workflow_id` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`owner_id` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`data` longtext character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`network` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`request_id` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	CONSTRAINT `audit_id` PRIMARY KEY(`id`),
	CONSTRAINT `audit_actor_kind_check` CHECK(`audit`.`actor_kind` in ('user', 'key', 'schedule', 'command', 'system')),
	CONSTRAINT `audit_data_check` CHECK((json_valid(`audit`.`data`) or char_length(`audit`.`data`) - char_length(replace(replace(`audit`.`data`, '[', ''), '{', '')) >= 32 or `audit`.`data` regexp '[0-9]{300}|[eE][+]?[0-9]{3}'))
);
--> statement-breakpoint
CREATE TABLE `execution_history` (
	`execution_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`seq` bigint NOT NULL,
	`type` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`at` datetime(3) NOT NULL,
	`fence` bigint,
	`worker` varchar(100) character set utf8mb4 collate utf8mb4_bin,
	`actor` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`key` varchar(256) character set utf8mb4 collate utf8mb4_bin,
	`name` varchar(101) character set utf8mb4 collate utf8mb4_bin,
	`output` longtext character set utf8mb4 collate utf8mb4_bin,
	`error` longtext character set utf8mb4 collate utf8mb4_bin,
	`payload` longtext character set utf8mb4 collate utf8mb4_bin,
	`attempt` bigint,
	`started_at` datetime(3),
	CONSTRAINT `execution_history_pk` PRIMARY KEY(`execution_id`,`seq`),
	CONSTRAINT `execution_history_execution_id_key_unique` UNIQUE(`execution_id`,`key`),
	CONSTRAINT `execution_history_type_check` CHECK(`execution_history`.`type` in ('created', 'claimed', 'step', 'signal', 'paused', 'resumed', 'released', 'lease_expired', 'completed', 'failed', 'cancelled')),
	CONSTRAINT `execution_history_output_check` CHECK((json_valid(`execution_history`.`output`) or char_length(`execution_history`.`output`) - char_length(replace(replace(`execution_history`.`output`, '[', ''), '{', '')) >= 32 or `execution_history`.`output` regexp '[0-9]{300}|[eE][+]?[0-9]{3}')),
	CONSTRAINT `execution_history_error_check` CHECK((json_valid(`execution_history`.`error`) or char_length(`execution_history`.`error`) - char_length(replace(replace(`execution_history`.`error`, '[', ''), '{', '')) >= 32 or `execution_history`.`error` regexp '[0-9]{300}|[eE][+]?[0-9]{3}')),
	CONSTRAINT `execution_history_payload_check` CHECK((json_valid(`execution_history`.`payload`) or char_length(`execution_history`.`payload`) - char_length(replace(replace(`execution_history`.`payload`, '[', ''), '{', '')) >= 32 or `execution_history`.`payload` regexp '[0-9]{300}|[eE][+]?[0-9]{3}'))
);
--> statement-breakpoint
CREATE TABLE `password_resets` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`user_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`token_sha256` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`expires_at` datetime(3) NOT NULL,
	CONSTRAINT `password_resets_id` PRIMARY KEY(`id`),
	CONSTRAINT `password_resets_token_sha256_unique` UNIQUE(`token_sha256`)
);
--> statement-breakpoint
CREATE TABLE `schedules` (
	`id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`workflow_id` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`name` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`cron` varchar(255) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`time_zone` varchar(64) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`input` longtext character set utf8mb4 collate utf8mb4_bin,
	`max_attempts` bigint NOT NULL,
	`is_enabled` tinyint(1) NOT NULL,
	`disabled_reason` varchar(255) character set utf8mb4 collate utf8mb4_bin,
	`overlap` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`catch_up` varchar(16) character set utf8mb4 collate utf8mb4_bin NOT NULL,
	`next_at` datetime(3),
	`last_at` datetime(3),
	`last_execution_id` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`revision` bigint NOT NULL,
	`created_by` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	`created_at` datetime(3) NOT NULL,
	`updated_at` datetime(3) NOT NULL,
	`last_op` varchar(64) character set utf8mb4 collate utf8mb4_bin,
	CONSTRAINT `schedules_id` PRIMARY KEY(`id`),
	CONSTRAINT `schedules_overlap_check` CHECK(`schedules`.`overlap` in ('allow', 'skip')),
	CONSTRAINT `schedules_catch_up_check` CHECK(`schedules`.`catch_up` in ('latest', 'none')),
	CONSTRAINT `schedules_input_check` CHECK((json_valid(`schedules`.`input`) or char_length(`schedules`.`input`) - char_length(replace(replace(`schedules`.`input`, '[', ''), '{', '')) >= 32 or `schedules`.`input` regexp '[0-9]{300}|[eE][+]?[0-9]{3}'))
);
--> statement-breakpoint
DROP INDEX `sessions_family_id_index` ON `sessions`;--> statement-breakpoint
ALTER TABLE `executions` ADD `wait_for` longtext character set utf8mb4 collate utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `executions` ADD `schedule_id` varchar(64) character set utf8mb4 collate utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `executions` ADD `last_seq` bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `workflows` ADD `transferred_at` datetime(3);--> statement-breakpoint
ALTER TABLE `execution_history` ADD CONSTRAINT `execution_history_execution_id_executions_id_fk` FOREIGN KEY (`execution_id`) REFERENCES `executions`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `password_resets` ADD CONSTRAINT `password_resets_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `schedules` ADD CONSTRAINT `schedules_workflow_id_workflows_id_fk` FOREIGN KEY (`workflow_id`) REFERENCES `workflows`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `schedules` ADD CONSTRAINT `schedules_created_by_users_id_fk` FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `audit_at_id_index` ON `audit` (`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_type_at_id_index` ON `audit` (`type`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_actor_user_id_at_id_index` ON `audit` (`actor_user_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_owner_id_at_id_index` ON `audit` (`owner_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_subject_id_at_id_index` ON `audit` (`subject_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_workflow_id_at_id_index` ON `audit` (`workflow_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `password_resets_user_id_index` ON `password_resets` (`user_id`);--> statement-breakpoint
CREATE INDEX `password_resets_expires_at_index` ON `password_resets` (`expires_at`);--> statement-breakpoint
CREATE INDEX `schedules_workflow_id_created_at_id_index` ON `schedules` (`workflow_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `schedules_created_by_index` ON `schedules` (`created_by`);--> statement-breakpoint
CREATE INDEX `schedules_next_at_id_index` ON `schedules` (`next_at`,`id`);--> statement-breakpoint
CREATE INDEX `executions_completed_at_id_index` ON `executions` (`completed_at`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_family_id_replaced_at_index` ON `sessions` (`family_id`,`replaced_at`);