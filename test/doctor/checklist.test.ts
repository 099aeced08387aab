import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkIds } from '@millrace/db/checklist/checks'
import type { Finding } from '@millrace/db/checklist/finding'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { testPassword } from '../servers/address.ts'
import { workspaceRoot } from '../workspace.ts'
import { doctor, type Report } from './kit.ts'
import { plants, type Planted } from './plants.ts'
import { makeWorld, type World } from './world.ts'

describe('the ids', () => {
  const page = readFileSync(join(workspaceRoot, 'docs/contract/cli.md'), 'utf8')

  test('are those of the contract, each with its faults', () => {
    const [, list = ''] = /^Doctor's ids: (.*)$/m.exec(page) ?? []
    const ids = [...list.replaceAll(/ \([^)]*\)/g, '').matchAll(/`([a-z_.]+)`/g)].map(([, id]) => id)
    expect(ids.filter((id) => id !== 'backups')).toEqual([...checkIds])
    expect(Object.keys(plants).toSorted()).toEqual(checkIds.toSorted())
  })

  test("the contract's page is the one beside the project", (context) => {
    const original = join(dirname(workspaceRoot), 'shared/CLI.md')
    if (!existsSync(original)) context.skip('needs a folder beside the checkout: ../shared/CLI.md')
    expect(page.slice(page.indexOf('\n') + 1)).toBe(readFileSync(original, 'utf8'))
  })
})

describeDialectsByTest((dialect) => {
  let world: World
  beforeAll(async () => {
    world = await makeWorld(dialect)
  })
  afterAll(() => world.stop())

  test('where all is well, each id is told once, and as ok', async () => {
    await expectWell()
  })

  const cases = checkIds.flatMap((id) => {
    const ofDialect = plants[id][dialect]
    return typeof ofDialect === 'string' ? [] : ofDialect.map((plant) => ({ id, ...plant }))
  })

  test.each(cases)('$id: $what', async ({ id, level, says, plant, mendsItself }) => {
    const planted = await plant(world)
    try {
      const findings = await ask(planted)
      const found = findings.filter((finding) => finding.id === id)
      expect(found).toContainEqual(
        expect.objectContaining({ level, message: expect.stringMatching(says), fix: expect.stringMatching(/\S/) }),
      )
      if (mendsItself === true) {
        expect(found.every(({ sql }) => sql !== undefined)).toBe(true)
        await mendBySql(findings)
      }
    } finally {
      await planted.mend?.()
    }
    const isOfDatabase = planted.settings === undefined && planted.ask === undefined
    if (mendsItself === true || planted.mend !== undefined || (isOfDatabase && id !== 'sqlite.production')) {
      await expectWell()
    }
  })

  async function ask({ ask: askOtherwise, settings = {} }: Planted): Promise<readonly Finding[]> {
    if (askOtherwise !== undefined) return askOtherwise()
    const report = await doctor({ ...world.settings, ...settings })
    expectWhole(report)
    expectNoSecret(report, { ...world.settings, ...settings })
    return report.findings
  }

  /** Beside that a file is no production. */
  async function expectWell(): Promise<void> {
    const report = await doctor(world.settings)
    const others = report.findings.filter(({ level }) => level !== 'ok')
    expect(others.map(({ id }) => id)).toEqual(dialect === 'sqlite' ? ['sqlite.production'] : [])
    expect(report.findings.map(({ id }) => id)).toEqual([...checkIds])
    expect(report.exitCode).toBe(dialect === 'sqlite' ? 1 : 0)
  }

  /** In one go: the SQL of a missing table makes its indexes and keys too. */
  async function mendBySql(findings: readonly Finding[]): Promise<void> {
    for (const statement of findings.flatMap(({ sql }) => sql ?? [])) await world.query(statement)
    const left = (await doctor(world.settings)).findings.flatMap(({ sql }) => sql ?? [])
    expect(left).toEqual([])
  }
})

/** Runs to its end whatever fails: each id is told, in order, and the exit code says whether one failed. */
function expectWhole({ findings, exitCode }: Report): void {
  expect([...new Set(findings.map(({ id }) => id))]).toEqual([...checkIds])
  expect(exitCode).toBe(findings.some(({ level }) => level === 'fail') ? 1 : 0)
}

function expectNoSecret({ output }: Report, settings: Readonly<Record<string, string>>): void {
  const { AUTH_KEYS = '', SETTINGS_KEYS = '', METRICS_TOKEN = '' } = settings
  const secrets = [testPassword, METRICS_TOKEN, ...[AUTH_KEYS, SETTINGS_KEYS].map((keys) => keys.split(':')[1] ?? '')]
  for (const secret of [...secrets, 'wrong-hush'].filter((text) => text !== '')) expect(output).not.toContain(secret)
}
