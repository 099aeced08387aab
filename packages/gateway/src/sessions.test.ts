import { describe, expect, it, vi } from 'vitest'
import { type Ending, Sessions } from './sessions.ts'

function sessionsOf(options: { readonly idleSeconds: number; readonly maxSeconds?: number }) {
  const ended = Promise.withResolvers<Ending>()
  const onEnd = vi.fn<(session: string, ending: Ending) => void>((_session, ending) => ended.resolve(ending))
  return { sessions: new Sessions<string>({ ...options, onEnd }), onEnd, ended: ended.promise }
}

describe('a session', () => {
  it('is used by one at a time, in order', async () => {
    const { sessions } = sessionsOf({ idleSeconds: 5 })
    const id = sessions.start('one')
    const first = await sessions.use(id)
    const order: number[] = []
    const second = sessions.use(id).then((use) => {
      order.push(2)
      return use
    })
    if (first.kind !== 'session') throw new Error('no session')
    order.push(1)
    first.done({ isOpen: true })
    const use = await second
    expect([order, use.kind]).toEqual([[1, 2], 'session'])
    if (use.kind === 'session') use.done({ isOpen: false })
    expect(await sessions.use(id)).toEqual({ kind: 'unknown' })
  })

  it('that idles ends once, and can be told from one that never was', async () => {
    const { sessions, onEnd, ended } = sessionsOf({ idleSeconds: 0.02 })
    const id = sessions.start('one')
    expect(await ended).toBe('idle')
    expect(await sessions.use(id)).toMatchObject({ kind: 'ended', ending: 'idle' })
    expect(await sessions.use('another')).toEqual({ kind: 'unknown' })
    expect(onEnd).toHaveBeenCalledOnce()
    sessions.forget(id)
    expect(await sessions.use(id)).toEqual({ kind: 'unknown' })
  })

  it('in use does not idle', async () => {
    const { sessions, onEnd } = sessionsOf({ idleSeconds: 0.02 })
    const use = await sessions.use(sessions.start('one'))
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(onEnd).not.toHaveBeenCalled()
    if (use.kind === 'session') use.done({ isOpen: false })
  })

  it('ends at its age, however busy it is between', async () => {
    const { sessions, ended } = sessionsOf({ idleSeconds: 5, maxSeconds: 0.05 })
    const id = sessions.start('one')
    const use = await sessions.use(id)
    if (use.kind === 'session') use.done({ isOpen: true })
    expect(await ended).toBe('age')
  })

  it('ends when all are closed', async () => {
    const { sessions, onEnd } = sessionsOf({ idleSeconds: 5 })
    const id = sessions.start('one')
    await sessions.closeAll()
    expect(onEnd).toHaveBeenCalledExactlyOnceWith('one', 'closing')
    expect(await sessions.use(id)).toMatchObject({ kind: 'ended', ending: 'closing' })
  })
})
