import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { mysql } from '../../dialects/mysql/dialect.ts'
import { postgres } from '../../dialects/postgres/dialect.ts'
import { sqlite } from '../../dialects/sqlite/dialect.ts'
import { recordEvent, type AuditEvent } from './event.ts'

describe.each([sqlite, postgres, mysql])('an event on $name', (dialect) => {
  const { settings } = dialect.tables
  const event: AuditEvent = {
    id: 'event',
    at: new Date('2026-01-31T09:30:00.000Z'),
    type: 'settings.changed',
    actor: { kind: 'user', userId: 'user', id: null },
    subject: { type: 'settings', id: 'user' },
    ownerId: 'user',
    origin: { requestId: null, network: null },
  }

  test('whose data the database finds asks for it in its statement', () => {
    const revision = dialect.builder.select({ revision: settings.revision }).from(settings)
    const { text } = recordEvent(dialect, { ...event, data: { revision: sql`(${revision})` } })
    expect(text).toMatch(/select .revision. from .settings./)
  })

  test('of which all is known has its data as a parameter', () => {
    const { text, parameters } = recordEvent(dialect, { ...event, data: { revision: 7 } })
    expect(text).not.toContain('settings')
    expect(parameters).toContain('{"revision":7}')
  })
})
