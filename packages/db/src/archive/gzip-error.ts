/** The compressed bytes are not one whole gzip member and nothing else. */
export class GzipError extends Error {
  override readonly name = 'GzipError'
}
