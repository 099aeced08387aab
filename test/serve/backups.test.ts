import { mkdtempSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BackupBucket } from '@millrace/api/backups/bucket'
import { runBackups } from '@millrace/api/backups/run'
import type { LogEntry } from '@millrace/api/log'
import { parseSettings } from '@millrace/api/settings'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { openFolder } from '@millrace/server/bucket/folder'
import { readBackupPlace } from '@millrace/server/bucket/open'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { startS3 } from './s3.ts'

interface Place {
  readonly bucket: BackupBucket
  readonly stop: () => Promise<void>
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  'a folder': () => {
    const directory = mkdtempSync(join(inject('directory'), 'folder-'))
    return Promise.resolve({ bucket: openFolder(directory), stop: () => Promise.resolve() })
  },
  'a bucket of S3': async () => {
    const s3 = await startS3()
    const place = readBackupPlace(
      {
        BACKUP_TO: 's3://backups/millrace/',
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'hush',
        AWS_ENDPOINT_URL_S3: s3.url,
      },
      '/',
    )
    if (!place.ok || place.bucket === undefined) throw new Error('the place is wrong')
    return { bucket: place.bucket, stop: () => s3.stop() }
  },
}

describe.each(Object.entries(places))('backups into %s', (_name, open) => {
  let place: Place
  let reached: ReachedDatabase
  beforeAll(async () => {
    place = await open()
    reached = await reachDatabase('sqlite')
  })
  afterAll(async () => {
    await reached.stop()
    await place.stop()
  })

  async function take(): Promise<readonly LogEntry[]> {
    const parsed = parseSettings({ DATABASE_URL: reached.raw.url, ...newServiceSecrets() }, { needsGateway: false })
    if (!parsed.ok) throw new Error('the settings are wrong')
    const log: LogEntry[] = []
    await runBackups(
      {
        database: reached.database,
        bucket: place.bucket,
        settings: parsed.settings,
        clock: () => new Date(),
        log: (entry) => log.push(entry),
      },
      'schedule',
    )
    return log
  }

  test('a backup is written, read back and found in the list, with what was noted of it', async () => {
    const log = await take()
    expect(log.map(({ event }) => event)).toContain('backup_taken')
    const { objects } = await place.bucket.list({ prefix: 'backups/' })
    expect(objects).toHaveLength(1)
    const [{ key, size } = { key: '', size: 0 }] = objects
    expect(size).toBeGreaterThan(0)
    expect(await place.bucket.head(key)).toMatchObject({ key, size, customMetadata: { encrypted: 'false' } })
  })

  test('parts of any number make the object, in their order', async () => {
    const upload = await place.bucket.createMultipartUpload('backups/parts', {
      httpMetadata: { contentType: 'application/octet-stream' },
      customMetadata: {},
    })
    const parts = []
    for (const [index, text] of ['aaaa', 'bbbb', 'c'].entries()) {
      parts.push(await upload.uploadPart(index + 1, new TextEncoder().encode(text)))
    }
    expect(await place.bucket.head('backups/parts')).toBeNull()
    await upload.complete(parts)
    const object = await place.bucket.get('backups/parts')
    expect(await new Response(object?.body).text()).toBe('aaaabbbbc')
    await place.bucket.delete('backups/parts')
    expect(await place.bucket.get('backups/parts')).toBeNull()
  })

  test('an upload that is given up leaves nothing, and may be given up again', async () => {
    const upload = await place.bucket.createMultipartUpload('backups/given-up', {
      httpMetadata: { contentType: 'application/octet-stream' },
      customMetadata: {},
    })
    await upload.uploadPart(1, new Uint8Array(10))
    const again = place.bucket.resumeMultipartUpload('backups/given-up', upload.uploadId)
    await again.abort()
    await again.abort()
    expect(await place.bucket.head('backups/given-up')).toBeNull()
  })
})

test('a folder’s files are for their owner only', async () => {
  const directory = mkdtempSync(join(inject('directory'), 'folder-'))
  const upload = await openFolder(directory).createMultipartUpload('backups/2026/one', {
    httpMetadata: { contentType: 'application/octet-stream' },
    customMetadata: { encrypted: 'true' },
  })
  await upload.complete([await upload.uploadPart(1, new Uint8Array(3))])
  const files = readdirSync(join(directory, 'backups/2026'))
  expect(files.toSorted()).toEqual(['one', 'one.meta.json'])
  for (const file of files) expect(statSync(join(directory, 'backups/2026', file)).mode & 0o777).toBe(0o600)
})

test.each([
  ['https://example.com', ['BACKUP_TO']],
  ['file://host/folder', ['BACKUP_TO']],
  ['s3:///prefix', ['BACKUP_TO', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']],
])('BACKUP_TO=%s is wrong, and all that is wrong is said', (text, variables) => {
  const place = readBackupPlace({ BACKUP_TO: text }, '/')
  expect(place.ok ? [] : place.problems.map(({ variable }) => variable)).toEqual(variables)
})
