import { existsSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BackupBucket } from '@millrace/api/backups/bucket'
import { ofBucket } from '@millrace/api/backups/failure'
import { runBackups } from '@millrace/api/backups/run'
import type { LogEntry } from '@millrace/api/log'
import { parseSettings } from '@millrace/api/settings'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { makeDirectory } from '@millrace/server/bucket/directory'
import { openFolder } from '@millrace/server/bucket/folder'
import { readBackupPlace } from '@millrace/server/bucket/open'
import { openS3 } from '@millrace/server/bucket/s3'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
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
    return { bucket: bucketAt('s3://backups/millrace/', s3.url), stop: () => s3.stop() }
  },
  'a bucket of S3 by the keys of a session': async () => {
    const s3 = await startS3()
    const session = { AWS_SESSION_TOKEN: 'session+/=', AWS_REGION: 'eu-central-1' }
    return { bucket: bucketAt('s3://backups', s3.url, session), stop: () => s3.stop() }
  },
}

/** What there is to do with a bucket, once: an object of one part is made, found, read and deleted. */
async function useOnce(bucket: BackupBucket): Promise<string> {
  const upload = await bucket.createMultipartUpload('one', {
    httpMetadata: { contentType: 'text/plain' },
    customMetadata: {},
  })
  await upload.complete([await upload.uploadPart(1, new TextEncoder().encode('whole'))])
  expect(await bucket.head('one')).toMatchObject({ size: 5 })
  expect((await bucket.list({ prefix: '' })).objects).toEqual([{ key: 'one', size: 5 }])
  const object = await bucket.get('one')
  const text = await new Response(object?.body).text()
  await bucket.delete('one')
  expect(await bucket.head('one')).toBeNull()
  return text
}

function bucketAt(to: string, endpoint: string, environment: Readonly<Record<string, string>> = {}): BackupBucket {
  const keys = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'hush', AWS_ENDPOINT_URL_S3: endpoint }
  const place = readBackupPlace({ BACKUP_TO: to, ...keys, ...environment }, '/')
  if (!place.ok || place.bucket === undefined) throw new Error('the place is wrong')
  return place.bucket
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

test('a prefix in a bucket is taken as it is written', async () => {
  const s3 = await startS3()
  onTestFinished(() => s3.stop())
  const bucket = bucketAt("s3://backups/team%20a/it's (1)+é*?#!/", s3.url)
  const upload = await bucket.createMultipartUpload('one', {
    httpMetadata: { contentType: 'text/plain' },
    customMetadata: {},
  })
  await upload.complete([await upload.uploadPart(1, new Uint8Array(1))])
  expect(s3.keys()).toEqual(["/backups/team%20a/it's (1)+é*?#!/one"])
  expect(await useOnce(bucket)).toBe('whole')
})

test('a connection that ends without an answer costs another request, and no more', async () => {
  const s3 = await startS3([], { losesAnswers: true })
  onTestFinished(() => s3.stop())
  expect(await useOnce(bucketAt('s3://backups', s3.url))).toBe('whole')
})

/** An object of so many bytes, each of which says where it stands. */
async function storeBytes(bucket: BackupBucket, count: number, first = 0): Promise<Uint8Array> {
  const bytes = Uint8Array.from({ length: count }, (_none, index) => (first + index * 7) % 251)
  const upload = await bucket.createMultipartUpload('one', {
    httpMetadata: { contentType: 'application/octet-stream' },
    customMetadata: {},
  })
  await upload.complete([await upload.uploadPart(1, bytes)])
  return bytes
}

async function readOne(bucket: BackupBucket): Promise<Uint8Array> {
  const object = await bucket.get('one')
  return new Response(object?.body).bytes()
}

test('reading goes on where its connection broke', async () => {
  const s3 = await startS3([], { breaksAfterBytes: 1000 })
  onTestFinished(() => s3.stop())
  const bucket = bucketAt('s3://backups', s3.url)
  const bytes = await storeBytes(bucket, 3500)
  expect(await readOne(bucket)).toEqual(bytes)
  expect(s3.readsFrom).toEqual([0, 1000, 2000, 3000])
})

test('reading that gets no further is given up', { timeout: 120_000 }, async () => {
  const s3 = await startS3([], { breaksAfterBytes: 0 })
  onTestFinished(() => s3.stop())
  const bucket = bucketAt('s3://backups', s3.url)
  await storeBytes(bucket, 10)
  await expect(readOne(bucket)).rejects.toThrow('terminated')
  expect(s3.readsFrom).toEqual([0, 0, 0, 0, 0, 0])
})

test('reading does not go on in an object that another one has replaced', async () => {
  const s3 = await startS3([], { breaksAfterBytes: 1000 })
  onTestFinished(() => s3.stop())
  const bucket = bucketAt('s3://backups', s3.url)
  const bytes = await storeBytes(bucket, 2000)
  const reader = (await bucket.get('one'))?.body.getReader()
  expect((await reader?.read())?.value).toEqual(bytes.subarray(0, 1000))
  await storeBytes(bucket, 2000, 1)
  await expect(reader?.read()).rejects.toThrow('S3 answered 412 PreconditionFailed')
})

test('reading does not go on at a server that gives the whole object again', async () => {
  const s3 = await startS3([], { breaksAfterBytes: 1000, ignoresRanges: true })
  onTestFinished(() => s3.stop())
  const bucket = bucketAt('s3://backups', s3.url)
  await storeBytes(bucket, 2000)
  await expect(readOne(bucket)).rejects.toThrow('does not go on from byte 1000')
})

test('a request that is signed with another secret is refused, and told by its code', async () => {
  const s3 = await startS3()
  onTestFinished(() => s3.stop())
  const bucket = bucketAt('s3://backups', s3.url, { AWS_SECRET_ACCESS_KEY: 'another' })
  await expect(bucket.get('one')).rejects.toThrow('S3 answered 403 SignatureDoesNotMatch')
})

test.each([
  ['https://example.com', ['BACKUP_TO']],
  ['file://host/folder', ['BACKUP_TO']],
  ['s3:///prefix', ['BACKUP_TO', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']],
])('BACKUP_TO=%s is wrong, and all that is wrong is said', (text, variables) => {
  const place = readBackupPlace({ BACKUP_TO: text }, '/')
  expect(place.ok ? [] : place.problems.map(({ variable }) => variable)).toEqual(variables)
})

/** A bucket of S3 at an address, with a secret that no error may hold. */
function s3At(endpoint: string): BackupBucket {
  return openS3({
    bucket: 'backups',
    prefix: '',
    endpoint,
    region: 'us-east-1',
    accessKeyId: 'key',
    secretAccessKey: 'hush',
    sessionToken: undefined,
    patienceSeconds: 0.5,
  })
}

test('a bucket that never answers is given up, with what to look at', async () => {
  const s3 = await startS3(['PUT', 'HEAD', 'GET'])
  onTestFinished(() => s3.stop())
  const bucket = s3At(s3.url)
  const given = { fix: expect.stringContaining('BACKUP_TO'), message: expect.stringContaining('ETIMEDOUT') }
  await expect(bucket.head('one')).rejects.toMatchObject(given)
  await expect(bucket.get('one')).rejects.toMatchObject(given)
  await expect(bucket.list({ prefix: '' })).rejects.toMatchObject(given)
  const upload = await bucket.createMultipartUpload('one', {
    httpMetadata: { contentType: 'application/octet-stream' },
    customMetadata: {},
  })
  // More than the sockets between hold.
  await expect(upload.uploadPart(1, new Uint8Array(16 * 1024 * 1024))).rejects.toMatchObject(given)
})

test('an upload that is told to end closes its connection', async () => {
  const s3 = await startS3(['PUT'])
  onTestFinished(() => s3.stop())
  const stopping = new AbortController()
  const upload = await s3At(s3.url).createMultipartUpload('one', {
    httpMetadata: { contentType: 'application/octet-stream' },
    customMetadata: {},
    signal: stopping.signal,
  })
  const sent = upload.uploadPart(1, new Uint8Array(10))
  stopping.abort(new Error('told to end'))
  await expect(sent).rejects.toThrow('told to end')
})

test('what fails names the code of the system and the place, and no secret', async () => {
  const s3 = await startS3()
  await s3.stop()
  const folder = join(mkdtempSync(join(inject('directory'), 'folder-')), 'file')
  writeFileSync(folder, '')
  for (const [bucket, code] of [
    [s3At(s3.url), 'ECONNREFUSED'],
    [openFolder(join(folder, 'backups')), 'ENOTDIR'],
  ] as const) {
    const failure = await ofBucket('listing', () => bucket.list({ prefix: '' })).then(
      () => new Error('it did not fail'),
      (thrown: unknown) => thrown,
    )
    expect(failure).toMatchObject({
      fault: 'bucket_failed',
      message: expect.stringContaining(code),
      fix: expect.stringContaining('BACKUP_TO'),
    })
    expect(`${JSON.stringify(failure)} ${String(failure)}`).not.toMatch(/hush|R2/)
  }
})

test.runIf(existsSync('/proc/self'))('a folder that can not be made is refused, and does not spin', async () => {
  await expect(makeDirectory('/proc/none/backups')).rejects.toMatchObject({ code: 'ENOENT' })
  const place = readBackupPlace({ BACKUP_TO: 'file:///proc/none/backups' }, '/')
  const problems = place.ok ? await place.check?.() : []
  expect(problems).toMatchObject([{ variable: 'BACKUP_TO', why: expect.stringContaining('ENOENT') }])
})
