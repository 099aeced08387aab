import type { DialectName } from '../../dialects.ts'
import { accountActs } from './accounts.ts'
import type { Acts } from './act.ts'
import { archiveActs, wholeArchiveActs } from './archive.ts'
import { executionActs, wholeExecutionActs } from './executions.ts'
import { recordActs, wholeRecordActs } from './records.ts'
import { scheduleActs, workflowActs } from './workflows.ts'

/** Acts that read more as there is more: what they look at is all of it, or all that is due. */
export const wholeActs: Acts = { ...wholeExecutionActs, ...wholeRecordActs, ...wholeArchiveActs }

/** Everything that the product does with its database: for requests, jobs and commands. */
export const everyAct: Acts = {
  ...workflowActs,
  ...scheduleActs,
  ...executionActs,
  ...accountActs,
  ...recordActs,
  ...archiveActs,
  ...wholeActs,
}

/**
 * How a statement begins that may read a table from end to end after a lost answer: what a claim has taken is found among all
 * that is running, by a mark that no index has, since each claim would have to keep it.
 */
export const lookUp = /^select .* (left|inner) join .executions. on \(.executions.\..status. = 'running' or /s

const claims = 'repositories/executions/claim-once.ts'
const lists = 'repositories/executions/list.ts'
/** Statements that acts send otherwise: look-ups after a lost answer, and what another dialect's claims consist of. */
const ofAll = [
  'repositories/backups/backups.ts › recordDrill › read (2)',
  'repositories/executions/claim-backlogs.ts › backlogsOf › read',
]
const ofWholeClaims = [`${claims} › claimWhole › change`, `${claims} › claimWhole › change (2)`]
/** Only with thousands of workflows: `scans.test.ts` and `costs.test.ts` have as many. */
const ofNewest = [`${lists} › pageOfNewest › read`, `${lists} › pageOfNewest › read (2)`]
const ofManyParents = [
  `${lists} › pageOfMany › read`,
  `${lists} › pageOfMany › read (2)`,
  `${lists} › newestHeads › read`,
]
const steps = 'repositories/executions/steps.ts › insertSteps › read'

/** Places that no act comes to: those of another dialect, and those that something rare comes to, with statements of others. */
export const unreached: Readonly<Record<DialectName, readonly string[]>> = {
  sqlite: [...ofAll, ...ofWholeClaims, `${claims} › claimWhole › read`, ...ofNewest, ...ofManyParents, steps],
  postgres: [
    ...ofAll,
    `${claims} › claimOnce › apply`,
    `${claims} › claimWhole › read`,
    ...ofNewest,
    ...ofManyParents,
    steps,
  ],
  mysql: [
    ...ofWholeClaims,
    `${claims} › claimWhole › read`,
    ...ofNewest,
    `${lists} › pageOfMany › read (2)`,
    steps,
    'repositories/settings/settings.ts › replaceSettings › apply',
  ],
}
