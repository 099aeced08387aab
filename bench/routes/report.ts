import { routes } from '@millrace/api/app'
import { sumOf } from '../statistics.ts'
import { table } from '../table.ts'
import type { DialectName } from '../../test/dialects.ts'
import type { RouteResult } from './measure.ts'

export type RouteResults = Readonly<Partial<Record<DialectName, readonly RouteResult[]>>>

const databases: Readonly<Record<DialectName, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MariaDB' }

/** One table in Markdown, as docs/many-requests.md has it: the routes in the contract's order. */
export function routeTable(results: RouteResults): string {
  const measured = Object.entries(databases).flatMap(([dialect, name]) => {
    const ofDialect = Object.entries(results).find(([key]) => key === dialect)?.[1]
    return ofDialect === undefined ? [] : [{ name, results: ofDialect }]
  })
  const order = new Map(routes.map(({ method, path }, index) => [`${method} ${path}`, index]))
  const lines = (measured[0]?.results ?? []).toSorted(
    (one, other) => (order.get(one.route) ?? 0) - (order.get(other.route) ?? 0),
  )
  const head = measured.flatMap(({ name }) => [`${name}: answers`, 'retries', 'p50 ms', 'p99 ms'])
  const rows = lines.map(({ route, on, atOnce }) => [
    `\`${route}\``,
    on,
    String(atOnce),
    ...measured.flatMap(({ results: ofDialect }) =>
      cellsOf(ofDialect.find((other) => other.route === route && other.on === on && other.atOnce === atOnce)),
    ),
  ])
  return table(['route', 'about', 'at once', ...head], rows)
}

/** What was run, and what came of it, in a few sentences. */
export function routeSummary(
  results: RouteResults,
  { through, machine }: { readonly through: string; readonly machine: string },
) {
  const all = Object.values(results).flat()
  const failed = sumOf(all.map((result) => result.failed))
  const requests = sumOf(all.map(({ done, refused }) => done + refused)) + failed
  const retries = Object.entries(databases).flatMap(([dialect, name]) => {
    const ofDialect = Object.entries(results).find(([key]) => key === dialect)?.[1]
    return ofDialect === undefined ? [] : [`${sumOf(ofDialect.map((result) => result.retries))} on ${name}`]
  })
  const outcome = failed === 0 ? 'none failed' : `${failed} failed`
  const sent = `${requests.toLocaleString('en')} requests through ${through}: ${outcome}.`
  return `${sent} Retries of statements: ${retries.join(', ')}. ${machine}.`
}

function cellsOf(result: RouteResult | undefined): readonly string[] {
  if (result === undefined) return ['', '', '', '']
  const { done, refused, failed, retries, p50Milliseconds, p99Milliseconds } = result
  const answers = [
    String(done),
    ...(refused === 0 ? [] : [`${refused} refused`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ]
  return [answers.join(', '), String(retries), shown(p50Milliseconds), shown(p99Milliseconds)]
}

function shown(milliseconds: number): string {
  return milliseconds.toFixed(milliseconds < 9.95 ? 1 : 0)
}
