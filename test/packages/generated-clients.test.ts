import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { routes } from '@millrace/api/app'
import { openApiDocument } from '@millrace/api/openapi/document'
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import { testWhere } from '../dialects.ts'
import { drawnFrom } from '../sampling.ts'
import { workspaceRoot } from '../workspace.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Where the generators and their compiler are installed. */
const generators = join(workspaceRoot, 'test/generators')

const strict = {
  ...{ strict: true, noEmit: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler' },
  ...{ lib: ['es2023', 'dom', 'dom.iterable'], skipLibCheck: false, types: [] },
}

/** Each generates and type-checks for seconds: a run of everything takes one of them. */
const generatorsOfRun = drawnFrom(['openapi-typescript', 'openapi-ts'] as const, 1, 'generated clients')

describe('clients that others generate from the document', () => {
  let folder: string

  beforeAll(() => {
    const cache = join(workspaceRoot, '.cache')
    mkdirSync(cache, { recursive: true })
    folder = mkdtempSync(join(cache, 'generated-'))
    writeFileSync(join(folder, 'openapi.json'), JSON.stringify(openApiDocument(routes)))
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  /** What a program that failed has said; nothing where it did not. */
  function run(program: string, ...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(join(generators, 'node_modules/.bin', program), args, { cwd: folder })
    return status === 0 ? '' : `${stdout.toString()}${stderr.toString()}`
  }

  function typeCheck(name: string, program: string): string {
    writeFileSync(join(folder, name, 'program.ts'), program)
    writeFileSync(join(folder, name, 'tsconfig.json'), JSON.stringify({ compilerOptions: strict, include: ['.'] }))
    return run('tsc', '-p', name)
  }

  testWhere(
    generatorsOfRun.includes('openapi-typescript'),
    'openapi-typescript writes types under which a strict program compiles',
    () => {
      mkdirSync(join(folder, 'types'))
      expect(run('openapi-typescript', 'openapi.json', '--output', 'types/api.ts')).toBe('')
      const checked = typeCheck(
        'types',
        `
      import type { components, operations, paths } from './api'
      type Answer = paths['/v1/workflows/{id}']['get']['responses'][200]['content']['application/json']
      export const nameOf = ({ name }: Answer): string => name
      export type New = operations['createWorkflow']['requestBody']['content']['application/json']
      export const made: New = { name: 'n', definition: { nodes: [] } }
      export const codeOf = ({ code }: components['schemas']['Problem']): string => code
      `,
      )
      expect(checked).toBe('')
    },
  )

  testWhere(
    generatorsOfRun.includes('openapi-ts'),
    'openapi-ts writes a client that compiles, with methods that are named for what they do',
    () => {
      mkdirSync(join(folder, 'client'))
      expect(run('openapi-ts', '--input', 'openapi.json', '--output', 'client/api', '--silent')).toBe('')
      const checked = typeCheck(
        'client',
        `
      import { createWorkflow, listWorkflows, logIn } from './api/sdk.gen'
      const { data: session } = await logIn({ body: { username: 'ada', password: 'correct horse battery' } })
      const headers = { Authorization: \`Bearer \${session?.accessToken ?? ''}\` }
      const { data: workflow } = await createWorkflow({ headers, body: { name: 'n', definition: { nodes: [] } } })
      const { data: page } = await listWorkflows({ headers, query: { scope: 'owned' } })
      export const ids: (string | undefined)[] = [workflow?.id, ...(page?.items ?? []).map(({ id }) => id)]
      `,
      )
      expect(checked).toBe('')
    },
  )
})
