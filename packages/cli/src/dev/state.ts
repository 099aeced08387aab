import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { randomUUID } from 'node:crypto'
import { Failure } from '../failure.ts'
import { newServiceSecrets, type ServiceSecrets } from '../secrets.ts'

/** Makes dev's state directory, for its owner's eyes only and never seen by git. */
export function makeStateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writePrivateFile(join(directory, '.gitignore'), '*\n')
}

function writeBeside(path: string, text: string): string {
  const beside = `${path}.${randomUUID()}`
  const file = openSync(beside, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return beside
}

/** Writes a file of mode 0600 under its final name only when it is whole. */
export function writePrivateFile(path: string, text: string): void {
  renameSync(writeBeside(path, text), path)
}

/** As writePrivateFile, but a file that is there stays: of two that start at once, both go on with the first one's. */
function writeFirstPrivateFile(path: string, text: string): void {
  const beside = writeBeside(path, text)
  try {
    linkSync(beside, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(beside, { force: true })
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The secrets of this state directory, made on first use: what they signed and sealed must open again next time. */
export function developmentSecrets(directory: string): ServiceSecrets {
  const path = join(directory, 'secrets.env')
  if (readIfThere(path) === undefined) {
    const lines = Object.entries(newServiceSecrets()).map(([name, value]) => `${name}=${value}\n`)
    writeFirstPrivateFile(path, lines.join(''))
  }
  const { AUTH_KEYS, SETTINGS_KEYS, METRICS_TOKEN } = parseEnv(readIfThere(path) ?? '')
  if (AUTH_KEYS && SETTINGS_KEYS && METRICS_TOKEN) return { AUTH_KEYS, SETTINGS_KEYS, METRICS_TOKEN }
  throw new Failure('settings_invalid', {
    what: 'The generated development secrets are not whole.',
    why: `${path} lacks AUTH_KEYS, SETTINGS_KEYS or METRICS_TOKEN.`,
    fix: 'Put the missing line back (`millrace secrets new`), or remove the file: then everyone is logged out.',
  })
}
