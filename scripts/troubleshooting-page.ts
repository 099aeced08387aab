import { errorKind } from '@millrace/api/errors'
import { faultOf } from '@millrace/api/faults'
import { asFailure } from '@millrace/cli/failure'
import { createOutput } from '@millrace/cli/output'
import { anchorOf, troubleTitles } from '@millrace/cli/pages'
import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'
import { troublePages, type Seen, type TroublePage } from './trouble-pages.ts'

const titles = { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MySQL, MariaDB' } as const
const dialects = ['sqlite', 'postgres', 'mysql'] as const

const opening = `# Troubleshooting

<!-- Written by scripts/troubleshooting.ts from the tables that the product answers by: change those, not this page. -->

If the database has a problem, the API answers 503 with a code, and nothing about the reason. The log line with the same
\`requestId\` has \`cause\`, the database's own message, and \`cure\`, which tells how to fix it. Commands print both, also with
\`--json\`. The tests produce each problem below on a real server, for every database that can have it: SQLite (libSQL's binding),
PostgreSQL 18 and MariaDB 10.11. \`…\` stands for parts that vary.
`

/** docs/troubleshooting.md, whole. */
export function troubleshootingPage(): string {
  const contents = troublePages.map(
    (page) => `- [${titleOf(page)}](#${anchorOf(titleOf(page))}): \`${errorOf(page).fault}\``,
  )
  return [opening, `${contents.join('\n')}\n`, ...troublePages.map(section)].join('\n')
}

function section(page: TroublePage): string {
  const { refused, fix } = faultOf(errorOf(page))
  const { status, detail } = errorKind(refused.refusal)
  const wait = refused.retryAfterSeconds
  return `## ${titleOf(page)}

${page.cause}

- **Fix**: ${fix}
- ${page.more}
- **The API**: ${status} \`${refused.refusal}\`, "${detail}" ${wait === undefined ? 'No `Retry-After`: waiting does not help.' : `\`Retry-After: ${wait}\`.`}

| database | \`cause\` in the log, \`why\` of a command |
| --- | --- |
${dialects.map((dialect) => `| ${titles[dialect]} | ${seenAs(page.seen[dialect])} |`).join('\n')}

\`\`\`text
${commandLines(page)}\`\`\`
`
}

function titleOf({ trouble }: TroublePage): string {
  return troubleTitles[trouble] ?? trouble
}

function seenAs(seen: Seen): string {
  return 'words' in seen ? `\`${seen.words}\`` : `Not possible: ${seen.never}`
}

/** As the command line prints it. */
function commandLines(page: TroublePage): string {
  let lines = ''
  const stderr = {
    write(text: string) {
      lines += text
    },
  }
  createOutput({ stdout: stderr, stderr }, false).failure(asFailure(errorOf(page)))
  return lines
}

/** The error with the words of a database that can have it. */
function errorOf({ trouble, seen }: TroublePage): DatabaseError {
  const words = dialects.flatMap((dialect) => ('words' in seen[dialect] ? [seen[dialect].words] : []))
  return databaseError(trouble, words.at(-1) ?? '', { isNotApplied: true })
}
