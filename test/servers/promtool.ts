import { join } from 'node:path'
import type { MissingServer } from './address.ts'
import { findUnpacked, has } from './debian-packages.ts'

/** The machine's promtool, else that of Debian's package `prometheus`, unpacked beside the repository. */
export function findPromtool(): string | MissingServer {
  if (has('promtool')) return 'promtool'
  const found = findUnpacked({
    name: 'prometheus',
    packages: ['prometheus'],
    areAlone: true,
    what: 'promtool',
    advice: 'Install Prometheus (Debian, Ubuntu: `apt-get install prometheus`; macOS: `brew install prometheus`).',
  })
  return 'missing' in found ? found : join(found.root, 'usr/bin/promtool')
}
