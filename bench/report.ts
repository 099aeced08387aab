import type { Act } from './floor-contract.ts'
import type { Slice } from './load.ts'
import { layers, type Cell, type Layer } from './measure.ts'
import { medianOf, sumOf } from './statistics.ts'
import { subjectNames, type SubjectName } from './subjects.ts'
import { table } from './table.ts'

/** The product's share of the floor, round by round. */
export interface Ratio {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface Result {
  readonly act: Act
  readonly bytes: number
  readonly requestsPerSecond: Readonly<Record<SubjectName, number>>
  readonly throughputRatio: Ratio
  readonly p50Milliseconds: Readonly<Record<SubjectName, number>>
  readonly p50Ratio: Ratio
  /** CPU milliseconds a request, by process. */
  readonly cpu: Readonly<Record<SubjectName, Readonly<Record<Layer, number>>>>
  /** Of the product's answers to one request at a time, by its own Server-Timing; the rest is client and workerd. */
  readonly databaseMilliseconds: number
  readonly appMilliseconds: number
}

export function resultOf({ act, bytes, slices, cpu }: Cell): Result {
  const { throughput, latency } = slices
  const requests = (name: SubjectName) => sumOf(throughput[name].map((slice) => slice.requests))
  return {
    act,
    bytes,
    requestsPerSecond: bySubject((name) => requests(name) / sumOf(throughput[name].map(({ seconds }) => seconds))),
    throughputRatio: ratioOf(throughput, ({ requests: count, seconds }) => count / seconds),
    p50Milliseconds: bySubject((name) => medianOf(latency[name].flatMap(({ latencies }) => latencies))),
    p50Ratio: ratioOf(latency, ({ latencies }) => medianOf(latencies)),
    cpu: bySubject((name) => {
      const each = (layer: Layer) => cpu[name][layer] / requests(name)
      return {
        function: each('function'),
        gateway: each('gateway'),
        database: each('database'),
        client: each('client'),
      }
    }),
    databaseMilliseconds: medianOf(latency.product.map((slice) => slice.databaseMilliseconds ?? 0)),
    appMilliseconds: medianOf(latency.product.map((slice) => slice.appMilliseconds ?? 0)),
  }
}

/** Markdown, as docs/performance.md has it. */
export function tablesOf(results: readonly Result[]): string {
  return [
    table(
      ['', 'requests/s', 'floor', 'ratio (each round)', 'p50 ms', 'floor', 'ratio (each round)'],
      results.map((result) => [
        nameOf(result),
        result.requestsPerSecond.product.toFixed(0),
        result.requestsPerSecond.floor.toFixed(0),
        shown(result.throughputRatio),
        result.p50Milliseconds.product.toFixed(2),
        result.p50Milliseconds.floor.toFixed(2),
        shown(result.p50Ratio),
      ]),
    ),
    table(
      ['', 'of p50: db', 'app', 'rest', ...layers.flatMap((layer) => [`CPU ms: ${layer}`, 'floor'])],
      results.map((result) => {
        const { databaseMilliseconds: db, appMilliseconds: app, p50Milliseconds, cpu } = result
        const times = [db, app, Math.max(0, p50Milliseconds.product - db - app)]
        const shares = layers.flatMap((layer) => [cpu.product[layer], cpu.floor[layer]])
        return [nameOf(result), ...times.map((time) => time.toFixed(2)), ...shares.map((share) => share.toFixed(2))]
      }),
    ),
  ].join('\n\n')
}

export function nameOf({ act, bytes }: Result): string {
  return `${act} ${bytes / 1000} KB`
}

export function shown({ median, least, most }: Ratio): string {
  return `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`
}

function bySubject<Value>(valueOf: (name: SubjectName) => Value): Readonly<Record<SubjectName, Value>> {
  const [product, floor] = subjectNames
  return { product: valueOf(product), floor: valueOf(floor) }
}

function ratioOf(
  { product, floor }: Readonly<Record<SubjectName, readonly Slice[]>>,
  valueOf: (slice: Slice) => number,
): Ratio {
  return spreadOf(
    product.flatMap((slice, round) => {
      const other = floor[round]
      return other === undefined ? [] : [valueOf(slice) / valueOf(other)]
    }),
  )
}

export function spreadOf(ratios: readonly number[]): Ratio {
  return { median: medianOf(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}
