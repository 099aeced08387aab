/** What Cloudflare's API answers a request about R2 with. */
interface R2ApiAnswer {
  readonly status: number
  readonly result: unknown
  readonly message?: string
  readonly code?: number
}

/**
 * So much of Cloudflare's API of R2 as Millrace and wrangler use: a bucket by its name, the list, and creating one.
 * https://developers.cloudflare.com/api/resources/r2/subresources/buckets/ and .../r2/api/error-codes/
 */
export class R2Api {
  readonly names = new Set<string>()
  /** What it has created, in order. */
  readonly created: string[] = []
  /** An account has R2 only once somebody has agreed to its prices. */
  isEnabled = true
  /** Whether the token may see buckets, and create them. */
  isAllowed = true

  /** Answers a request below `/accounts/{account}/r2/`. */
  answer(method: string, rest: string, body: string): R2ApiAnswer {
    if (!this.isEnabled) {
      return refused(403, 10_042, 'Please enable R2 through the Cloudflare Dashboard.')
    }
    if (!this.isAllowed) return refused(403, 10_000, 'Authentication error')
    if (rest === 'buckets' && method === 'POST') {
      const { name } = JSON.parse(body) as { readonly name: string }
      if (this.names.has(name))
        return refused(409, 10_004, 'The bucket you tried to create already exists, and you own it.')
      this.names.add(name)
      this.created.push(name)
      return { status: 200, result: { name } }
    }
    if (rest === 'buckets') return { status: 200, result: { buckets: [...this.names].map((name) => ({ name })) } }
    const name = rest.replace('buckets/', '')
    return this.names.has(name)
      ? { status: 200, result: { name } }
      : refused(404, 10_006, 'The specified bucket does not exist.')
  }
}

function refused(status: number, code: number, message: string): R2ApiAnswer {
  return { status, code, message, result: null }
}
