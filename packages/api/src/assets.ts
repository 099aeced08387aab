import type { RouteResponse } from './response.ts'
import { done, refuse, type Result } from './result.ts'

/** Files that were deployed with the functions, by their path. */
export type ReadAsset = (path: string) => Promise<Response>

const passedHeaders = ['Content-Type', 'ETag']

/** A file as an answer; a file that is not there, or functions that were deployed without any, are 404. */
export async function findAsset(readAsset: ReadAsset | undefined, path: string): Promise<Result<RouteResponse>> {
  const file = await readAsset?.(path)
  if (file?.status !== 200) {
    await file?.body?.cancel()
    return refuse('not_found', { detail: 'These functions were deployed without this file.' })
  }
  const headers: Record<string, string> = {}
  for (const name of passedHeaders) {
    const value = file.headers.get(name)
    if (value !== null) headers[name] = value
  }
  return done({ ok: true, status: 200, headers, body: file.body })
}
