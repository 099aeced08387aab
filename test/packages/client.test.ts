import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium } from '../servers/chromium.ts'
import { startService, type Service } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'
import { packPackage } from './pack.ts'

/** A strict program of somebody who has nothing but the package. */
const program = `
import { createClient, exactJson, toJson, ProblemError, type Workflow, type Run } from '@millrace/client'

const client = createClient({ url: process.env['MILLRACE_URL'] ?? '' })
await client.auth.register({ username: 'ada', email: 'ada@example.com', password: 'correct horse battery' })
const workflow: Workflow = await client.workflows.create({ name: 'n', definition: exactJson('{ "x": 1.0 }') })
const text: string = workflow.definition
// @ts-expect-error: a definition is exact text, and no object
const wrong: { x: number } = workflow.definition
try {
  await client.workflows.get('none')
} catch (error) {
  if (!(error instanceof ProblemError) || error.code !== 'not_found') throw error
}
const names: string[] = []
for await (const { name } of client.workflows.list({ scope: 'owned' })) names.push(name)
const step = (run: Run): Promise<number> => run.step('n', () => 1)
console.log(JSON.stringify({ text, names, wrong, step: typeof step, json: toJson({ a: 1 }) }))
`

describe('the package @millrace/client', () => {
  let folder: string
  let tarball: string
  let service: Service

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-client-'))
    execFileSync(process.execPath, [join(workspaceRoot, 'packages/client/build/main.ts')], { stdio: 'inherit' })
    tarball = packPackage('packages/client', folder)
    mkdirSync(join(folder, 'app'))
    writeFileSync(join(folder, 'app/package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], {
      cwd: join(folder, 'app'),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    writeFileSync(join(folder, 'app/main.ts'), program)
    service = await startService('sqlite')
  }, 180_000)

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.stop()
  })

  test('has nothing that publint finds wrong', async () => {
    const { messages, pkg } = await publint({ pack: { tarball: readArrayBuffer(tarball) }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  test('has types that every resolver of ECMAScript modules finds', () => {
    const attw = join(workspaceRoot, 'packages/client/node_modules/.bin/attw')
    const report = execFileSync(attw, [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'])
    // It exits with 1 where it finds a problem.
    expect(report.toString()).toMatch(/node16 \(from ESM\): OK \(ESM\)/)
  })

  test('needs no package of this repository', () => {
    const installed = join(folder, 'app/node_modules/@millrace/client')
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    expect(Object.keys(dependencies).toSorted()).toEqual(['eventsource-parser', 'hono'])
    for (const file of ['index.js', 'index.d.ts']) {
      const text = readFileSync(join(installed, 'dist', file), 'utf8')
      expect(text).not.toMatch(/(?:from |import\()["']@millrace\//)
      expect(text).not.toMatch(/drizzle|zod/)
    }
  })

  test('types a strict program', () => {
    const config = {
      compilerOptions: {
        ...{
          strict: true,
          noEmit: true,
          target: 'es2022',
          module: 'nodenext',
          lib: ['es2023', 'dom', 'dom.asynciterable'],
        },
        ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
        ...{ types: ['node'], typeRoots: [join(workspaceRoot, 'node_modules/@types')] },
      },
      include: ['main.ts'],
    }
    writeFileSync(join(folder, 'app/tsconfig.json'), JSON.stringify(config))
    const tsc = join(workspaceRoot, 'node_modules/.bin/tsc')
    expect(execFileSync(tsc, ['-p', join(folder, 'app')]).toString()).toBe('')
  })

  test('runs on Node', async () => {
    const out = join(folder, 'app/main.js')
    await build({ entryPoints: [join(folder, 'app/main.ts')], outfile: out, format: 'esm', target: 'node20' })
    // Not in one go: this process is the gateway that the service needs.
    const { stdout } = await promisify(execFile)(oldestNode(), [out], {
      env: { ...process.env, MILLRACE_URL: service.urls[0] },
    })
    expect(JSON.parse(stdout)).toMatchObject({ text: '{ "x": 1.0 }', names: ['n'] })
  })

  test('runs in a browser, bundled', async (context) => {
    const found = findChromium()
    if ('missing' in found) return context.skip(found.missing)
    const entry = `
      import { createClient, exactJson } from '@millrace/client'
      globalThis.run = async (url) => {
        const client = createClient({ url })
        await client.auth.register({ username: 'grace', email: 'grace@example.com', password: 'correct horse battery' })
        return (await client.workflows.create({ name: 'n', definition: exactJson('{ "y": 2.0 }') })).definition
      }`
    const bundle = await build({
      stdin: { contents: entry, resolveDir: join(folder, 'app') },
      ...{ bundle: true, platform: 'browser', format: 'iife', write: false, minify: true },
    })
    const browser = await chromium.launch({
      executablePath: found.command,
      args: ['--no-sandbox'],
      env: { ...process.env, ...found.environment },
    })
    try {
      const page = await browser.newPage()
      await page.goto(`${service.urls[0]}/healthz`)
      await page.evaluate(bundle.outputFiles[0]?.text ?? '')
      const definition = await page.evaluate(`run(${JSON.stringify(service.urls[0])})`)
      expect(definition).toBe('{ "y": 2.0 }')
    } finally {
      await browser.close()
    }
  })
})

function readArrayBuffer(path: string): ArrayBuffer {
  const bytes = readFileSync(path)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}

/** The machine's own Node, where that is an older one than the tests run on: the package promises Node 20. */
function oldestNode(): string {
  const path = (process.env['PATH'] ?? '').split(':').filter((entry) => !entry.includes('node_modules'))
  const own = execFileSync('sh', ['-c', 'command -v node || true'], { env: { ...process.env, PATH: path.join(':') } })
  return own.toString().trim() || process.execPath
}
