import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DialectName } from '../dialects.ts'
import { asRecord, expectConventions, placesOf, readAnswer, type Answer } from './answers.ts'
import { startWorld, type Actor, type Workflow, type WorkflowOptions, type World } from './world.ts'

/**
 * A row of a contract table: a request, what its answer must hold and what it must not. In path, body and headers
 * `{private}` is a workflow of the owner's that is shared with editor, executor and viewer, `{public}` one that is
 * public and not shared, `{fresh}` the row's own, `{absent}` an id of nothing.
 */
export interface Scenario {
  readonly name: string
  /** Makes `{fresh}` for this row alone. */
  readonly fresh?: WorkflowOptions
  /** The owner when absent. */
  readonly as?: Actor
  /** GET when absent. */
  readonly method?: string
  readonly path: string
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  /** A problem's `code`. */
  readonly code?: string
  /** A problem's pointers and parameters: all of them, in any order. */
  readonly places?: readonly string[]
  /** Members of the body, by equality. */
  readonly json?: Readonly<Record<string, unknown>>
  readonly has?: readonly string[]
  /** What must stand neither in the body nor in a header. */
  readonly hasNot?: readonly string[]
  /** By text or pattern; null: absent. */
  readonly answerHeaders?: Readonly<Record<string, string | RegExp | null>>
  /** What must hold afterwards. */
  readonly afterwards?: (answer: Answer, world: World, fresh: Workflow | undefined) => Promise<void> | void
}

export const absentId = '01900000-0000-7000-8000-000000000000'

/** A world for a suite: started before its tests, stopped after them. */
export function useWorld(dialect: DialectName, vars: Readonly<Record<string, string>> = {}): { readonly world: World } {
  let started: World | undefined
  beforeAll(async () => {
    started = await startWorld(dialect, vars)
  })
  afterAll(async () => {
    await started?.stop()
  })
  return {
    get world() {
      if (started === undefined) throw new Error('the world has not started')
      return started
    },
  }
}

/** Declares a test for each row. */
export function runScenarios(suite: { readonly world: World }, rows: readonly Scenario[]): void {
  for (const row of rows) {
    test(row.name, async () => {
      const ran = await runScenario(row, suite.world)
      expect({ status: ran.status, text: ran.text }).toEqual({ status: row.status, text: ran.text })
    })
  }
}

async function runScenario(row: Scenario, world: World): Promise<Answer> {
  const fresh = row.fresh === undefined ? undefined : await world.workflow(row.fresh)
  const filled = await fillerOf(world, fresh)
  const { as: actor = 'owner', method = 'GET' } = row
  const path = filled(row.path)
  const headers = Object.fromEntries(Object.entries(row.headers ?? {}).map(([name, value]) => [name, filled(value)]))
  const body = typeof row.body === 'string' ? filled(row.body) : row.body
  const answer = await readAnswer(await world.send(actor, method, path, { body, headers }))
  expectScenario(row, answer)
  expectConventions(answer, { method, path, isAnonymous: actor === 'nobody' })
  await row.afterwards?.(answer, world, fresh)
  return answer
}

async function fillerOf(world: World, fresh: Workflow | undefined): Promise<(text: string) => string> {
  const { hidden, open } = await standingWorkflows(world)
  const values: Readonly<Record<string, string | undefined>> = {
    '{private}': hidden.id,
    '{public}': open.id,
    '{fresh}': fresh?.id,
    '{absent}': absentId,
  }
  return (text) => text.replaceAll(/\{(private|public|fresh|absent)\}/g, (name) => values[name] ?? name)
}

const standing = new WeakMap<World, Promise<{ hidden: Workflow; open: Workflow }>>()

/** Made once a world. */
export function standingWorkflows(world: World): Promise<{ hidden: Workflow; open: Workflow }> {
  const made = standing.get(world) ?? makeStanding(world)
  standing.set(world, made)
  return made
}

async function makeStanding(world: World) {
  const hidden = await world.workflow({ name: 'private', definition: '{"secret":"of the owner"}' })
  const open = await world.workflow({ name: 'public', definition: '{"open":1}', isPublic: true, isShared: false })
  return { hidden, open }
}

function expectScenario(row: Scenario, answer: Answer): void {
  const { text, json, headers } = answer
  expect({ status: answer.status, text }).toEqual({ status: row.status, text })
  if (row.code !== undefined) expect(asRecord(json)['code']).toBe(row.code)
  if (row.places !== undefined) expect(placesOf(json).toSorted()).toEqual(row.places.toSorted())
  if (row.json !== undefined) expect(json).toMatchObject(row.json)
  for (const wanted of row.has ?? []) expect(text).toContain(wanted)
  const everything = `${text}\n${[...headers].join('\n')}`
  for (const unwanted of row.hasNot ?? []) expect(everything).not.toContain(unwanted)
  for (const [name, wanted] of Object.entries(row.answerHeaders ?? {})) {
    if (wanted instanceof RegExp) expect(headers.get(name)).toMatch(wanted)
    else expect(headers.get(name)).toBe(wanted)
  }
}
