import { hashPassword } from '@millrace/api/auth/password'
import type { Stage } from './stage.ts'
import { addBackups } from './writes-of-backups.ts'
import { password, type World } from './world.ts'

const day = 24 * 3_600_000

/**
 * Rows that a write must leave alone, or that decide it by their time: Idempotency-Keys of the day before yesterday, which
 * are free again, two of them of one moment, a mark that is no restore's, and failures to log in. dave was limited then, and with one more failure is limited now; carol is limited
 * already; mallory, who is nobody, is as dave; erin has failed as often, but then; alice has one failure that her next log-in takes back. bob's password is
 * hashed at another cost.
 */
export async function addBystanders(stage: Stage, world: World): Promise<void> {
  const { ground } = stage
  const create = async (sender: 'alice' | 'alice.key', key: string): Promise<void> => {
    const options = { body: { name: key, scopes: ['read'] }, key }
    const { status } = await stage.send(world.request(sender, 'POST', '/v1/api-keys', options))
    if (status !== 201) throw new Error(`an API key under the key ${key} was answered ${status}`)
  }
  const fail = async (username: string, times: number): Promise<void> => {
    const body = { username, password: 'wrong password' }
    for (let made = 0; made < times; made += 1)
      await stage.send(world.request('nobody', 'POST', '/v1/auth/login', { body }))
  }
  const now = new Date()
  stage.setClock(new Date(now.getTime() - 2 * day))
  await create('alice.key', 'old')
  await fail('dave', 6)
  await fail('erin', 5)
  stage.setClock(now)
  await create('alice', 'recent')
  await fail('dave', 5)
  await fail('mallory', 5)
  await fail('carol', 6)
  await fail('alice', 1)
  // By hand: a token of today's is not valid on that day.
  const columns = 'idempotency_key, fingerprint, status, headers, body, created_at'
  await ground.execute(
    `insert into idempotency_keys (user_id, ${columns})
      select '${world.id('carol')}', ${columns} from idempotency_keys where idempotency_key = 'old'`,
  )
  await ground.execute(
    `insert into idempotency_keys (user_id, ${columns})
      select user_id, 'as old', fingerprint, status, headers, body, created_at from idempotency_keys
      where idempotency_key = 'old' and user_id = '${world.id('alice')}'`,
  )
  // What a job has noted of its own.
  await ground.execute(`insert into marks (name, value) values ('slot.a job', '2026-01-01T00:00:00.000Z')`)
  await stage.work(({ store }) => addBackups(store, now))
  for (const [id, kind, network] of [
    ['elsewhere', 'login', '192.0.2.1'],
    ['of another kind', 'lookup', 'unknown'],
  ]) {
    await ground.execute(
      `insert into login_attempts (id, kind, name_key, network, attempted_at)
        select '${id}', '${kind}', id, '${network}', created_at from users where username = 'alice'`,
    )
  }
  // As an import leaves them: no write has named itself there.
  await ground.execute('update settings set last_op = null')
  await ground.execute(
    `update users set password_hash = '${await hashPassword(password, 5)}' where id = '${world.id('bob')}'`,
  )
}
