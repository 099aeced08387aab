import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { MissingServer } from './address.ts'
import { cacheDirectory, has, hasDebianPackages, unpackArchives, unpackPackages } from './debian-packages.ts'

/** The machine's promtool, else that of Debian's package `prometheus`, unpacked beside the repository. */
export function findPromtool(): string | MissingServer {
  if (has('promtool')) return 'promtool'
  const unpacked = join(cacheDirectory, `prometheus-${process.arch}`)
  const advice = 'Install Prometheus (Debian, Ubuntu: `apt-get install prometheus`; macOS: `brew install prometheus`).'
  if (!existsSync(unpacked)) {
    if (!hasDebianPackages()) return { missing: `No promtool here. ${advice}` }
    try {
      unpackPackages(unpacked, (apt, work, root) => {
        apt('download', 'prometheus')
        unpackArchives(work, root)
      })
    } catch (error) {
      return { missing: `No promtool here, and its package could not be had (${String(error)}). ${advice}` }
    }
  }
  return join(unpacked, 'usr/bin/promtool')
}
