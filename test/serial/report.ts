import type { DialectName } from '../dialects.ts'
import type { Violation } from './explore.ts'
import type { Outcome } from './outcome.ts'

/** The command that runs a schedule again. */
export function commandOf(dialect: DialectName, { writes, schedule, grain }: Violation): string {
  const world = writes.includes('at the head') ? ' --heads' : ''
  return `npx -y pnpm@12 serial${world} --dialect ${dialect} --pairs '${writes}' --schedule ${schedule} --grain ${grain}`
}

/** A violation as isolationtester prints a permutation: its steps, what came out, and what should have. */
export function textOf(dialect: DialectName, violation: Violation): string {
  const { writes, schedule, trace, outcome, serial } = violation
  return [
    `${dialect}: ${writes}, ${schedule}: the outcome is of no serial order`,
    ...trace.map(({ actor, label, waited }) => `  ${actor}: ${label}${waited ? ' <waiting ...>' : ''}`),
    ...sectionOf('what came out', outcome),
    ...serial.flatMap((other, index) => sectionOf(`serial order ${index + 1}`, other, outcome)),
    `  again: ${commandOf(dialect, violation)}`,
  ].join('\n')
}

/** Of a serial outcome only what is unlike the one that came out. */
function sectionOf(title: string, outcome: Outcome, other?: Outcome): readonly string[] {
  const lines = linesOf(outcome)
  const others = new Set(other === undefined ? [] : linesOf(other))
  const own = new Set(lines)
  const missing = other === undefined ? [] : linesOf(other).filter((line) => !own.has(line))
  return [
    `  ${title}:`,
    ...lines.filter((line) => !others.has(line)).map((line) => `    ${line}`),
    ...missing.map((line) => `    and not ${line}`),
  ]
}

/** An outcome, one answer or row a line; the second of two equal ones says so. */
export function linesOf({ answers, gone, come }: Outcome): readonly string[] {
  const lines = [
    ...Object.entries(answers).map(([name, answer]) => `${name}: ${answer}`),
    ...gone.map((row) => `- ${row}`),
    ...come.map((row) => `+ ${row}`),
  ]
  return lines.map((line, index) => {
    const before = lines.slice(0, index).filter((other) => other === line).length
    return before === 0 ? line : `${line} (${before + 1})`
  })
}
