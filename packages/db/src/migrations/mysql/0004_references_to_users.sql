CREATE INDEX `workflow_versions_created_by_index` ON `workflow_versions` (`created_by`);--> statement-breakpoint
CREATE INDEX `workflow_shares_shared_by_index` ON `workflow_shares` (`shared_by`);