/** A `fetch` that counts, and that loses answers: the service did what was asked, and the client never hears of it. */
export interface LossyFetch {
  readonly fetch: typeof fetch
  readonly statuses: number[]
  /** Loses the next answers to requests of the method to paths that end so. */
  lose(method: string, suffix: string, count?: number): void
}

export function lossyFetch(): LossyFetch {
  const statuses: number[] = []
  let wanted = { method: '', suffix: '', count: 0 }
  return {
    statuses,
    lose(method, suffix, count = 1) {
      wanted = { method, suffix, count }
    },
    async fetch(input, init) {
      const request = new Request(input, init)
      const answer = await fetch(request)
      const isLost = wanted.count > 0 && request.method === wanted.method && request.url.endsWith(wanted.suffix)
      if (isLost) {
        wanted.count -= 1
        await answer.arrayBuffer()
        throw new TypeError('fetch failed')
      }
      statuses.push(answer.status)
      return answer
    },
  }
}
