import type { RouteResponse } from '../response.ts'
import { findAsset, type ReadAsset } from '../assets.ts'
import type { Refused } from '../result.ts'

/**
 * Nothing but the console's own files runs or is asked: no inline script or style, no `eval`, no other host, and no
 * Trusted Types policy, so that no text ever becomes markup or script.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const pageHeaders = {
  'Content-Security-Policy': policy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
}

/** A build names these files by their content. */
const assetPath = /^\/console\/assets\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** The console's one page at every path below `/console`, which it tells apart itself, and the files that it loads. */
export async function consoleFile(
  readAsset: ReadAsset | undefined,
  pathname: string,
): Promise<RouteResponse | Refused> {
  if (pathname.startsWith('/console/assets/')) {
    // A path with dots or slashes of its own would name other files.
    const file = assetPath.test(pathname) ? pathname : '/console/assets/none'
    return fileWith(readAsset, file, { 'Cache-Control': 'public, max-age=31536000, immutable' })
  }
  return fileWith(readAsset, '/console/index.html', pageHeaders)
}

async function fileWith(
  readAsset: ReadAsset | undefined,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RouteResponse | Refused> {
  const file = await findAsset(readAsset, path)
  return file.ok ? { ...file.value, headers: { ...file.value.headers, ...headers } } : file
}
