const withoutParameters = new URLSearchParams()

/**
 * Path and query of a request's URL. The platform has parsed and normalized it already, so they only need to be cut out: `new
 * URL` would parse all of it again.
 */
export function readUrl(url: string): { readonly pathname: string; readonly query: URLSearchParams } {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const hash = url.indexOf('#', start)
  const end = hash === -1 ? url.length : hash
  const mark = url.indexOf('?', start)
  if (mark === -1 || mark > end) return { pathname: url.slice(start, end), query: withoutParameters }
  return { pathname: url.slice(start, mark), query: new URLSearchParams(url.slice(mark + 1, end)) }
}
