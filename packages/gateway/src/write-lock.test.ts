import { describe, expect, it, vi } from 'vitest'
import { type LockHolder, WriteLock, WriteLockBusyError } from './write-lock.ts'

class Stream implements LockHolder {
  isIdle = false
  readonly loseTransaction = vi.fn<() => void>()
}

describe('the write lock', () => {
  it('goes to those who wait in the order in which they came', async () => {
    const lock = new WriteLock(5, () => undefined)
    const [a, b, c] = [new Stream(), new Stream(), new Stream()]
    await lock.acquire(a)
    const order: string[] = []
    const waiting = [lock.acquire(b).then(() => order.push('b')), lock.acquire(c).then(() => order.push('c'))]
    lock.release(a)
    await waiting[0]
    expect([lock.isHeldBy(b), lock.isHeldBy(c)]).toEqual([true, false])
    lock.release(b)
    await waiting[1]
    expect(order).toEqual(['b', 'c'])
  })

  it('can be had again by its holder, and released by nobody else', async () => {
    const lock = new WriteLock(5, () => undefined)
    const [a, b] = [new Stream(), new Stream()]
    await lock.acquire(a)
    await lock.acquire(a)
    lock.release(b)
    expect(lock.isHeldBy(a)).toBe(true)
  })

  it('is refused after a while to who waits for a stream that works', async () => {
    const lock = new WriteLock(0.03, () => undefined)
    const [a, b] = [new Stream(), new Stream()]
    await lock.acquire(a)
    await expect(lock.acquire(b)).rejects.toThrow(WriteLockBusyError)
    expect(a.loseTransaction).not.toHaveBeenCalled()
    expect(lock.isHeldBy(a)).toBe(true)
  })

  it('is taken from a stream that idles with it, for the one that waits', async () => {
    const onTaken = vi.fn<() => void>()
    const lock = new WriteLock(0.03, onTaken)
    const [a, b] = [new Stream(), new Stream()]
    await lock.acquire(a)
    a.isIdle = true
    lock.becameIdle(a)
    await lock.acquire(b)
    expect(a.loseTransaction).toHaveBeenCalledOnce()
    expect(onTaken).toHaveBeenCalledOnce()
    expect(lock.isHeldBy(b)).toBe(true)
  })

  it('is taken from a stream that idles with it for too long, though nobody here waits', async () => {
    const taken = Promise.withResolvers<void>()
    const lock = new WriteLock(0.03, taken.resolve)
    const a = new Stream()
    await lock.acquire(a)
    a.isIdle = true
    lock.becameIdle(a)
    await taken.promise
    expect(lock.isHeldBy(a)).toBe(false)
  })

  it('is left to a stream that went on in time', async () => {
    const onTaken = vi.fn<() => void>()
    const lock = new WriteLock(0.03, onTaken)
    const a = new Stream()
    await lock.acquire(a)
    a.isIdle = true
    lock.becameIdle(a)
    a.isIdle = false
    lock.release(a)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(onTaken).not.toHaveBeenCalled()
    expect(a.loseTransaction).not.toHaveBeenCalled()
  })
})
