import { existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findUnpacked, libraryFolders } from './debian-packages.ts'

export interface Chromium {
  readonly command: string
  /** Beside the test's own environment. */
  readonly environment: Readonly<Record<string, string>>
}

export interface MissingChromium {
  readonly missing: string
}

const commands = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const macCommand = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
const advice =
  'Install Chromium (Debian, Ubuntu: `apt-get install chromium-headless-shell` or `chromium`), or set TEST_CHROMIUM to ' +
  'the path of one.'

/** The machine's Chromium, else Debian's package unpacked beside the repository with the libraries that it lacks. */
export function findChromium(): Chromium | MissingChromium {
  const installed = findInstalled()
  if (installed !== undefined) return { command: installed, environment: {} }
  const found = findUnpacked({ name: 'chromium', packages: ['chromium-headless-shell'], what: 'Chromium', advice })
  if ('missing' in found) return found
  const { root } = found
  return {
    command: join(root, 'usr/lib/chromium/chromium-headless-shell'),
    environment: {
      LD_LIBRARY_PATH: libraryFolders(root),
      // Where the system has no fonts, those that came with it.
      ...(existsSync('/etc/fonts') ? {} : { FONTCONFIG_SYSROOT: root }),
    },
  }
}

function findInstalled(): string | undefined {
  const given = process.env['TEST_CHROMIUM']
  if (given !== undefined && given !== '') return given
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return [...folders.flatMap((folder) => commands.map((command) => join(folder, command))), macCommand].find(isFile)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}
