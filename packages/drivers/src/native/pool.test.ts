import { describe, expect, it, vi } from 'vitest'
import {
  Pool,
  PoolAbortedError,
  PoolBusyError,
  PoolClosedError,
  type PooledConnection,
  type PoolOptions,
} from './pool.ts'

class FakeConnection implements PooledConnection {
  isUsable = true
  isClosed = false
  answersPing = true
  canReset = true

  reset(): Promise<boolean> {
    return Promise.resolve(this.canReset)
  }

  ping(): Promise<boolean> {
    return Promise.resolve(this.answersPing)
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }
}

const defaults: PoolOptions = {
  poolSize: 1,
  maxOverflow: 1,
  poolTimeoutSeconds: 0.05,
  poolRecycleSeconds: -1,
  poolPrePing: false,
}

function poolOf(options: Partial<PoolOptions> = {}) {
  const opened: FakeConnection[] = []
  const open = vi.fn<() => Promise<FakeConnection>>(() => {
    const connection = new FakeConnection()
    opened.push(connection)
    return Promise.resolve(connection)
  })
  return { pool: new Pool(open, { ...defaults, ...options }), opened, open }
}

/** Lets what was started run as far as it can without a timer. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a pool', () => {
  it('replaces what was opened before it was told to, once a second at most', async () => {
    const { pool, opened } = poolOf({ poolSize: 2 })
    const before = [await pool.acquire(), await pool.acquire()]
    for (const loan of before) loan.release()
    await settle()
    pool.outdate()
    const first = await pool.acquire()
    // Too soon after the last time: what was opened since is kept.
    pool.outdate()
    first.release()
    await settle()
    const after = [await pool.acquire(), await pool.acquire()]
    await settle()
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, true, false, false])
    expect(after.map(({ connection }) => connection)).toContain(first.connection)
    for (const loan of after) loan.release()
  })

  it('keeps pool_size connections and closes what overflowed', async () => {
    const { pool, opened } = poolOf()
    const loans = [await pool.acquire(), await pool.acquire()]
    expect(pool.status()).toEqual({ size: 1, checkedOut: 2, overflow: 1, waiting: 0 })
    for (const loan of loans) loan.release()
    await settle()
    expect(pool.status()).toEqual({ size: 1, checkedOut: 0, overflow: 0, waiting: 0 })
    expect(opened.map((connection) => connection.isClosed)).toEqual([false, true])
  })

  it('keeps what overflowed for overflowIdleSeconds, lends it again, and then closes it', async () => {
    const { pool, opened, open } = poolOf({ overflowIdleSeconds: 0.02 })
    for (let turn = 0; turn < 2; turn += 1) {
      const loans = [await pool.acquire(), await pool.acquire()]
      for (const loan of loans) loan.release()
      await settle()
    }
    expect(open).toHaveBeenCalledTimes(2)
    await vi.waitFor(() => expect(pool.status()).toEqual({ size: 1, checkedOut: 0, overflow: 0, waiting: 0 }))
    expect(opened.filter((connection) => connection.isClosed)).toHaveLength(1)
    const loan = await pool.acquire()
    expect(loan.connection.isClosed).toBe(false)
    expect(open).toHaveBeenCalledTimes(2)
  })

  it('keeps what came back within pool_size while others are lent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const { pool, opened, open } = poolOf({ poolSize: 2, maxOverflow: 2 })
      const loans = [await pool.acquire(), await pool.acquire(), await pool.acquire()]
      loans[0]?.release()
      await settle()
      vi.advanceTimersByTime(1000)
      expect(opened.map((connection) => connection.isClosed)).toEqual([false, false, false])
      await pool.acquire()
      expect(open).toHaveBeenCalledTimes(3)
    } finally {
      vi.useRealTimers()
    }
  })

  it('when closed leaves none of what overflowed open', async () => {
    const { pool, opened } = poolOf({ overflowIdleSeconds: 60 })
    const loans = [await pool.acquire(), await pool.acquire()]
    for (const loan of loans) loan.release()
    await settle()
    await pool.close()
    expect(opened.map((connection) => connection.isClosed)).toEqual([true, true])
  })

  it('opens nothing while one is idle', async () => {
    const { pool, open } = poolOf()
    for (let turn = 0; turn < 3; turn += 1) {
      const loan = await pool.acquire()
      loan.release()
      await settle()
    }
    expect(open).toHaveBeenCalledTimes(1)
  })

  it('makes the next one wait, and refuses it after pool_timeout', async () => {
    const { pool } = poolOf({ maxOverflow: 0 })
    const loan = await pool.acquire()
    await expect(pool.acquire()).rejects.toThrow(PoolBusyError)
    expect(pool.status().waiting).toBe(0)
    loan.release()
    await expect(pool.acquire()).resolves.toBeDefined()
  })

  it('has no limit with max_overflow -1', async () => {
    const { pool } = poolOf({ maxOverflow: -1 })
    await Promise.all(Array.from({ length: 50 }, () => pool.acquire()))
    expect(pool.status()).toEqual({ size: 1, checkedOut: 50, overflow: 49, waiting: 0 })
  })

  it('hands a connection on in the order of asking', async () => {
    const { pool } = poolOf({ maxOverflow: 0, poolTimeoutSeconds: 5 })
    const first = await pool.acquire()
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (turn) => {
      const loan = await pool.acquire()
      order.push(turn)
      loan.release()
    })
    await settle()
    first.release()
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
  })

  it('forgets a client that went away while it waited', async () => {
    const { pool } = poolOf({ maxOverflow: 0, poolTimeoutSeconds: 5 })
    const loan = await pool.acquire()
    const gone = new AbortController()
    const waiting = pool.acquire(gone.signal)
    gone.abort()
    await expect(waiting).rejects.toThrow(PoolAbortedError)
    expect(pool.status().waiting).toBe(0)
    loan.release()
  })

  it('does not lend a connection that can’t be made as new, or was discarded, or has ended', async () => {
    const { pool, opened } = poolOf()
    const first = await pool.acquire()
    first.connection.canReset = false
    first.release()
    await settle()
    const second = await pool.acquire()
    second.release({ discard: true })
    await settle()
    const third = await pool.acquire()
    third.release()
    await settle()
    third.connection.isUsable = false
    const fourth = await pool.acquire()
    expect(fourth.connection.isUsable).toBe(true)
    expect(opened.map((connection) => connection.isClosed)).toEqual([true, true, true, false])
    expect(pool.status()).toEqual({ size: 1, checkedOut: 1, overflow: 0, waiting: 0 })
  })

  it('gives the place of a connection that is lost to the one that waits', async () => {
    const { pool } = poolOf({ maxOverflow: 0, poolTimeoutSeconds: 5 })
    const loan = await pool.acquire()
    const waiting = pool.acquire()
    loan.release({ discard: true })
    expect((await waiting).connection).not.toBe(loan.connection)
  })

  it('lends what is idle and has not ended to who can’t wait, and opens nothing for that', async () => {
    const { pool, opened, open } = poolOf({ poolSize: 2 })
    expect(pool.lendIdle()).toBeUndefined()
    for (const loan of [await pool.acquire(), await pool.acquire()]) loan.release()
    await settle()
    for (const connection of opened.slice(1)) connection.isUsable = false
    const loan = pool.lendIdle()
    expect(loan?.connection).toBe(opened[0])
    expect(pool.status()).toMatchObject({ checkedOut: 1 })
    expect(pool.lendIdle()).toBeUndefined()
    loan?.release()
    await settle()
    expect(pool.status()).toMatchObject({ checkedOut: 0 })
    expect(open).toHaveBeenCalledTimes(2)
    expect(opened[1]?.isClosed).toBe(true)
  })

  it('counts a second release of one loan as nothing', async () => {
    const { pool } = poolOf()
    const loan = await pool.acquire()
    loan.release()
    loan.release()
    await settle()
    expect(pool.status().checkedOut).toBe(0)
  })

  it('replaces what is older than pool_recycle', async () => {
    const { pool, opened } = poolOf({ poolRecycleSeconds: 0 })
    const loan = await pool.acquire()
    loan.release()
    await settle()
    await new Promise((resolve) => setTimeout(resolve, 2))
    const next = await pool.acquire()
    expect(next.connection).not.toBe(loan.connection)
    expect(opened[0]?.isClosed).toBe(true)
  })

  it('replaces what does not answer a ping, when pool_pre_ping is on', async () => {
    const { pool } = poolOf({ poolPrePing: true })
    const loan = await pool.acquire()
    loan.release()
    await settle()
    loan.connection.answersPing = false
    const next = await pool.acquire()
    expect(next.connection).not.toBe(loan.connection)
    expect(pool.status()).toEqual({ size: 1, checkedOut: 1, overflow: 0, waiting: 0 })
  })

  it('leaves no place taken when a connection can’t be opened', async () => {
    const open = vi.fn<() => Promise<FakeConnection>>(() => Promise.reject(new Error('refused')))
    const pool = new Pool(open, { ...defaults, maxOverflow: 0 })
    await expect(pool.acquire()).rejects.toThrow('refused')
    await expect(pool.acquire()).rejects.toThrow('refused')
    expect(pool.status()).toEqual({ size: 1, checkedOut: 0, overflow: 0, waiting: 0 })
  })

  it('when closed lends nothing, tells those who wait, and closes what comes back', async () => {
    const { pool, opened } = poolOf({ maxOverflow: 0, poolTimeoutSeconds: 5 })
    const loan = await pool.acquire()
    const waiting = pool.acquire()
    await Promise.all([expect(waiting).rejects.toThrow(PoolClosedError), pool.close()])
    await expect(pool.acquire()).rejects.toThrow(PoolClosedError)
    loan.release()
    await settle()
    expect(opened.map((connection) => connection.isClosed)).toEqual([true])
  })
})
