import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BackupBucket } from '@millrace/api/backups/bucket'
import type { Environment, SettingProblem } from '@millrace/api/settings'
import { whyUnwritable } from './directory.ts'
import { openFolder } from './folder.ts'
import { openS3 } from './s3.ts'

export type BackupPlace =
  | {
      readonly ok: true
      readonly bucket: BackupBucket | undefined
      /** Says what is wrong with the place itself; absent where that shows only when a backup is taken. */
      readonly check?: () => Promise<readonly SettingProblem[]>
    }
  | { readonly ok: false; readonly problems: readonly SettingProblem[] }

/** Where `BACKUP_TO` leads: a folder, or a bucket of S3 with the usual `AWS_*` variables; nowhere when it is not set. */
export function readBackupPlace(env: Environment, callerDirectory: string): BackupPlace {
  const text = env['BACKUP_TO'] ?? ''
  if (text === '') return { ok: true, bucket: undefined }
  const url = URL.parse(text)
  switch (url?.protocol) {
    case 'file:':
      return readFolder(url, callerDirectory)
    case 's3:':
      return readS3(url, text, env)
    default:
      return wrong('BACKUP_TO', 'It leads neither to a folder nor to a bucket.')
  }
}

const fix = 'Use `file:///folder`, or `s3://bucket/prefix` with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'

function wrong(variable: string, why: string): BackupPlace {
  return { ok: false, problems: [{ variable, why, fix }] }
}

function readFolder(url: URL, callerDirectory: string): BackupPlace {
  if (url.host !== '')
    return wrong('BACKUP_TO', 'A folder of another host is out of reach: three slashes belong before its path.')
  const directory = resolve(callerDirectory, fileURLToPath(url))
  return { ok: true, bucket: openFolder(directory), check: () => folderProblems(directory) }
}

async function folderProblems(directory: string): Promise<readonly SettingProblem[]> {
  const why = await whyUnwritable(directory)
  if (why === undefined) return []
  const how = 'Create the folder, and let the user that runs this write into it; or name another one.'
  return [{ variable: 'BACKUP_TO', why: `Nothing can be written into the folder ${directory}: ${why}.`, fix: how }]
}

/** The prefix stands in the text as it is in keys, as Amazon's own program takes it: a URL would encode what is in it. */
function readS3(url: URL, text: string, env: Environment): BackupPlace {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = env
  const problems: SettingProblem[] = []
  if (url.hostname === '') problems.push({ variable: 'BACKUP_TO', why: 'It names no bucket.', fix })
  if (accessKeyId === '') problems.push({ variable: 'AWS_ACCESS_KEY_ID', why: 'BACKUP_TO needs it.', fix })
  if (secretAccessKey === '') problems.push({ variable: 'AWS_SECRET_ACCESS_KEY', why: 'BACKUP_TO needs it.', fix })
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']
  if (endpoint !== undefined && URL.parse(endpoint) === null) {
    problems.push({ variable: 'AWS_ENDPOINT_URL_S3', why: 'It is no URL.', fix: 'Use https://host, without a path.' })
  } else if (endpoint !== undefined && /\/\/[^/]*@/.test(endpoint)) {
    // Errors name the URL of a request.
    const why = 'It has a user or a password, which the keys of AWS_* are for.'
    problems.push({ variable: 'AWS_ENDPOINT_URL_S3', why, fix: 'Use https://host, without a path.' })
  }
  if (problems.length > 0) return { ok: false, problems }
  const bucket = openS3({
    bucket: url.hostname,
    prefix: text.replace(/^s3:\/\/[^/]*/i, '').replaceAll(/^\/+|\/+$/g, ''),
    endpoint: endpoint?.replace(/\/+$/, ''),
    region: env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    accessKeyId,
    secretAccessKey,
    sessionToken: env['AWS_SESSION_TOKEN'],
  })
  return { ok: true, bucket }
}
