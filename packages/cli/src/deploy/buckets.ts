import { askCloudflare, type Account, type CloudflareAnswer } from '../cloudflare-api.ts'
import type { Context } from '../context.ts'
import { accountIfSet } from '../d1/account.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'

/** An R2 bucket that wrangler.toml binds to the functions: scheduled backups go there. */
export interface PlannedBucket {
  readonly name: string
  /** Where it has to stay, such as `eu`. */
  readonly jurisdiction: string | undefined
}

/** Whether it is there; unknown where Cloudflare's API cannot be asked: wrangler then looks for it, and creates it. */
export interface FoundBucket extends PlannedBucket {
  readonly state: 'found' | 'missing' | 'created' | 'unknown'
}

/** The buckets of `r2_buckets` in wrangler's configuration. */
export function planBuckets(bound: unknown): readonly PlannedBucket[] {
  const entries = Array.isArray(bound) ? bound.filter(isRecord) : []
  return entries.flatMap(({ bucket_name: name, jurisdiction }) =>
    typeof name === 'string'
      ? [{ name, jurisdiction: typeof jurisdiction === 'string' ? jurisdiction : undefined }]
      : [],
  )
}

/** https://developers.cloudflare.com/r2/api/error-codes/ */
const codes = { noBucket: 10_006, notEnabled: 10_042, exists: 10_004, conflict: 10_073 } as const

/**
 * Looks for the buckets, changing nothing.
 * @throws Failure where the account has no R2
 */
export async function findBuckets(
  context: Context,
  buckets: readonly PlannedBucket[],
): Promise<readonly FoundBucket[]> {
  const account = accountIfSet(context)
  if ('missing' in account) return buckets.map((bucket) => ({ ...bucket, state: 'unknown' }))
  const found: FoundBucket[] = []
  for (const bucket of buckets) {
    const answer = await ask(account, bucket, `r2/buckets/${encodeURIComponent(bucket.name)}`)
    if (!answer.isGood && answer.code === codes.notEnabled) throw notEnabled(bucket, answer.message)
    if (!answer.isGood && answer.code !== codes.noBucket) {
      context.output.note(`Whether the R2 bucket ${bucket.name} exists could not be seen. ${answer.message}`)
    }
    const state = answer.isGood ? 'found' : answer.code === codes.noBucket ? 'missing' : 'unknown'
    found.push({ ...bucket, state })
  }
  return found
}

/** Creates those that are missing. Gives all of them. */
export async function createBuckets(
  context: Context,
  buckets: readonly FoundBucket[],
): Promise<readonly FoundBucket[]> {
  const account = accountIfSet(context)
  if ('missing' in account) return buckets
  const created: FoundBucket[] = []
  for (const bucket of buckets) {
    created.push(bucket.state === 'missing' ? await create(context, account, bucket) : bucket)
  }
  return created
}

async function create(context: Context, account: Account, bucket: FoundBucket): Promise<FoundBucket> {
  const { name } = bucket
  const answer = await ask(account, bucket, 'r2/buckets', { name })
  if (answer.isGood) {
    context.output.note(`Created the R2 bucket ${name}.`)
    return { ...bucket, state: 'created' }
  }
  // By another deployment meanwhile.
  if (answer.code === codes.exists || answer.code === codes.conflict) return { ...bucket, state: 'found' }
  if (answer.code === codes.notEnabled) throw notEnabled(bucket, answer.message)
  throw new Failure(
    'forbidden',
    {
      what: `The R2 bucket ${name} could not be created. Nothing was uploaded.`,
      why: answer.message,
      fix: 'Give CLOUDFLARE_API_TOKEN the permission Workers R2 Storage Edit, or create the bucket yourself, and run this again.',
    },
    page,
  )
}

const page = 'docs/deploy.md'

function ask(
  account: Account,
  { jurisdiction }: PlannedBucket,
  path: string,
  body?: object,
): Promise<CloudflareAnswer> {
  const headers = jurisdiction === undefined ? {} : { 'cf-r2-jurisdiction': jurisdiction }
  return askCloudflare(account, { path, headers, ...(body && { body }) })
}

/** How R2 is had, or done without. */
export const fixWithoutR2 =
  "Enable R2 for the account in Cloudflare's dashboard (R2 Object Storage), and run this again. To deploy without scheduled backups, remove the r2_buckets entry of this environment from wrangler.toml."

function notEnabled({ name }: PlannedBucket, why: string): Failure {
  return new Failure(
    'forbidden',
    {
      what: `The Cloudflare account has no R2, and scheduled backups go to its bucket ${name}. Nothing was changed.`,
      why,
      fix: fixWithoutR2,
    },
    page,
  )
}
