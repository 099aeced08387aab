import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { poolTimeoutMark } from '@millrace/drivers/gateway-wire'
import type { DialectName } from '@millrace/db/sql/dialect'
import { errorCodeOf } from './error-codes.ts'
import type { GatewayLogEntry } from './log.ts'
import type { PoolStatus } from '@millrace/db/sql/transport'
import type { Reply } from './protocol.ts'

/** One request that was answered. */
export interface CountedRequest {
  /** A path that the gateway has, or `other`. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

const secondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What the gateway counts from its start, in Prometheus' text format. Every label has few values. */
export class GatewayMetrics {
  readonly #registry = new Registry()
  readonly #requests: Counter<'route' | 'status'>
  readonly #seconds: Histogram<'route'>
  readonly #errors: Counter<'code'>
  readonly #events: Counter<'event'>

  constructor(dialect: DialectName) {
    const registers = [this.#registry]
    const info = { name: 'millrace_gateway_info', help: 'The kind of database that it serves.', registers }
    new Gauge({ ...info, labelNames: ['dialect'] }).set({ dialect }, 1)
    this.#requests = new Counter({
      name: 'millrace_gateway_requests_total',
      help: 'Requests answered, by route of the protocol and HTTP status.',
      labelNames: ['route', 'status'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'millrace_gateway_request_duration_seconds',
      help: 'How long requests took, waiting for a connection included.',
      labelNames: ['route'],
      buckets: secondsBounds,
      registers,
    })
    this.#errors = new Counter({
      name: 'millrace_gateway_errors_total',
      help: `What went wrong with requests: a ${poolTimeoutMark} found no free connection in time.`,
      labelNames: ['code'],
      registers,
    })
    this.#events = new Counter({
      name: 'millrace_gateway_events_total',
      help: 'What the log tells: transaction_ended is one that was abandoned and rolled back.',
      labelNames: ['event'],
      registers,
    })
    for (const code of [poolTimeoutMark, 'lock_timeout', 'unreachable', 'connection_lost', 'database'] as const) {
      this.#errors.inc({ code }, 0)
    }
    for (const event of ['transaction_ended', 'write_lock_taken', 'connection_lost', 'connection_failed'] as const) {
      this.#events.inc({ event }, 0)
    }
  }

  /** The pool is asked at each scrape. */
  watchPool(status: () => PoolStatus): void {
    const registers = [this.#registry]
    const gauge = (name: keyof PoolStatus, metric: string, help: string) =>
      new Gauge({
        name: `millrace_gateway_pool_${metric}`,
        help,
        registers,
        collect() {
          this.set(status()[name])
        },
      })
    gauge('size', 'size', 'Connections that the pool keeps (pool_size).')
    gauge('checkedOut', 'checked_out', 'Connections in use.')
    gauge('overflow', 'overflow', "Connections open beyond the pool's size.")
    gauge('waiting', 'waiting', 'Requests that wait for a connection.')
  }

  request({ route, status, seconds }: CountedRequest): void {
    this.#requests.inc({ route, status })
    this.#seconds.observe({ route }, seconds)
  }

  error(error: unknown): void {
    this.#errors.inc({ code: errorCodeOf(error) })
  }

  event({ event }: GatewayLogEntry): void {
    this.#events.inc({ event })
  }

  async reply(): Promise<Reply> {
    const body = await this.#registry.metrics()
    return { status: 200, headers: { 'content-type': this.#registry.contentType }, body }
  }
}
