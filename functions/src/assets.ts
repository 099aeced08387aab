import type { ReadAsset } from '@millrace/api/assets'

/** The files that wrangler deploys with the Worker (wrangler.toml, `[assets]`). */
export function readAssets({ ASSETS: binding }: Readonly<Record<string, unknown>>): ReadAsset | undefined {
  return isFetcher(binding) ? (path) => binding.fetch(new URL(path, 'https://assets.local')) : undefined
}

function isFetcher(binding: unknown): binding is { readonly fetch: (url: URL) => Promise<Response> } {
  return typeof binding === 'object' && binding !== null && 'fetch' in binding && typeof binding.fetch === 'function'
}
