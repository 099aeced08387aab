import { availableParallelism, loadavg } from 'node:os'
import { stripVTControlCharacters } from 'node:util'
import type { Entry } from './diary.ts'

export interface Replacement {
  readonly found: string
  readonly shown: string
}

/** The page docs/first-day.md, without anything of the machine that it was made on but its times. */
export function pageOf(entries: readonly Entry[], replacements: readonly Replacement[]): string {
  const total = entries.reduce((sum, { seconds }) => sum + seconds, 0)
  return `${[introduction(), tableOf(entries, total), ...entries.map((entry, index) => sectionOf(entry, index, replacements))].join('\n\n')}\n`
}

/** How long a step takes depends on what else the machine does: the average of a quarter of an hour says it. */
function introduction(): string {
  const busy = Math.round(loadavg()[2] ?? 0)
  return [
    '# The first day',
    wrapped(
      `A new user's first day, from an empty folder to a deployment. \`npx -y pnpm@12 first-day\` plays it and writes this page. It runs as an ordinary user with an empty home and an empty package cache, with the packed packages instead of the workspace, and stops at the first step that does not work.`,
    ),
    wrapped(
      `The times are of a machine with ${availableParallelism()} cores ${busy === 0 ? 'without other work' : `and other work, at a load of about ${busy}`}.`,
    ),
  ].join('\n\n')
}

function tableOf(entries: readonly Entry[], total: number): string {
  const rows = entries.map(
    ({ title, seconds }, index) => `| [${index + 1}. ${title}](#${anchorOf(index, title)}) | ${timeOf(seconds)} |`,
  )
  return ['| step | seconds |', '|---|---:|', ...rows, `| all | ${timeOf(total)} |`].join('\n')
}

function sectionOf(
  { title, text, command, output }: Entry,
  index: number,
  replacements: readonly Replacement[],
): string {
  const block = (info: string, body: string | undefined): readonly string[] =>
    body === undefined || body.trim() === '' ? [] : [`\`\`\`${info}\n${cleaned(body, replacements)}\n\`\`\``]
  return [`## ${index + 1}. ${title}`, wrapped(text), ...block('bash', command), ...block('text', output)].join('\n\n')
}

const timeOf = (seconds: number): string => seconds.toFixed(1)

/** As GitHub makes it. */
function anchorOf(index: number, title: string): string {
  return `${index + 1}. ${title}`
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** Ids, times, secrets and paths differ from one run to the next, and tell nothing. */
function cleaned(text: string, replacements: readonly Replacement[]): string {
  const named = replacements.reduce((now, { found, shown }) => now.replaceAll(found, shown), text)
  return stripVTControlCharacters(named)
    .replaceAll(/"(accessToken|refreshToken)":"[^"]+"/g, '"$1":"…"')
    .replaceAll(/\bmr_[\w-]{8,}/g, 'mr_…')
    .replaceAll(/\b(AUTH_KEYS|SETTINGS_KEYS|METRICS_TOKEN)=\S+/g, '$1=…')
    .replaceAll(/\bage1[0-9a-z]{20,}/g, 'age1…')
    .replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()
}

const lineLength = 120

function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > lineLength) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}
