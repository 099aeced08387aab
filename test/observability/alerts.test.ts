import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@millrace/drivers/open'
import { recordBackup } from '@millrace/db/repositories/backups/backups'
import { startGateway } from '@millrace/gateway'
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest'
import { reachDatabase, targetOf } from '../database.ts'
import { isCi } from '../dialects.ts'
import { findPromtool } from '../servers/promtool.ts'
import { startService } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'

const folder = join(workspaceRoot, 'deploy/observability')
const promtool = findPromtool()

interface Panel {
  readonly type: string
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboard = JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
}
const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
const alerts = readFileSync(join(folder, 'alerts.yml'), 'utf8')
const alertTests = readFileSync(join(folder, 'alerts.test.yml'), 'utf8')

let work: string

beforeAll(() => {
  // promtool looks for the files that the configuration names.
  work = mkdtempSync(join(tmpdir(), 'millrace-observability-'))
  cpSync(folder, work, { recursive: true })
  for (const secret of ['metrics-token', 'gateway-token']) writeFileSync(join(work, secret), 'a secret')
})

afterAll(() => {
  rmSync(work, { recursive: true, force: true })
})

/** Runs Prometheus' own program: the test is skipped where there is none, but in CI nothing may be missing. */
function run({ skip }: TestContext, ...args: readonly string[]) {
  if (typeof promtool !== 'string') {
    if (!isCi()) skip(promtool.missing)
    throw new Error(promtool.missing)
  }
  const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: work, encoding: 'utf8' })
  return { code: status, output: `${stdout}${stderr}` }
}

test('Prometheus takes the alert rules and the configuration', (context) => {
  expect(run(context, 'check', 'rules', 'alerts.yml')).toMatchObject({
    code: 0,
    output: expect.stringContaining('SUCCESS'),
  })
  for (const configuration of ['prometheus.yml', 'prometheus-kubernetes.yml']) {
    expect(run(context, 'check', 'config', configuration)).toMatchObject({
      code: 0,
      output: expect.stringContaining('SUCCESS'),
    })
  }
})

test('each alert fires when it should, and not when all is well', (context) => {
  expect(run(context, 'test', 'rules', 'alerts.test.yml')).toMatchObject({ code: 0 })
})

test('a rule that is broken is found out', (context) => {
  writeFileSync(join(work, 'broken.yml'), alerts.replace('millrace_database_up == 0', 'millrace_database_up == '))
  expect(run(context, 'check', 'rules', 'broken.yml').code).not.toBe(0)
})

test('every query of the dashboard is one of Prometheus', (context) => {
  const rules = expressions.map((expr, index) => ({
    record: `panel:query:${index}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*'),
  }))
  writeFileSync(join(work, 'dashboard.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  expect(run(context, 'check', 'rules', 'dashboard.yml')).toMatchObject({
    code: 0,
    output: expect.stringContaining('SUCCESS'),
  })
})

test('every alert is tried both ways: that it fires, and that it is quiet', () => {
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(10)
  const [quiet = '', ...firing] = alertTests.split(/^ {2}- name: /m).slice(1)
  for (const name of names) {
    expect(quiet).toContain(`alertname: ${name}`)
    expect(firing.some((each) => new RegExp(`alertname: ${name}\\s+exp_alerts`).test(each))).toBe(true)
  }
})

test('rules and dashboard name only metrics that there are, and the dashboard has every one', async () => {
  const real = await realMetrics()
  const used = namesIn(`${expressions.join('\n')}\n${dashboard.templating.list.map(({ query }) => query).join('\n')}`)
  expect([...used, ...namesIn(alerts)].filter((name) => !real.has(name))).toEqual([])
  expect([...real].filter((name) => !used.includes(name))).toEqual([])
})

test('every panel asks something', () => {
  for (const { type, title, targets = [] } of dashboard.panels) {
    expect([title, type === 'row' || targets.length > 0]).toEqual([title, true])
  }
})

/** Without what Prometheus makes of a histogram. */
function namesIn(text: string): readonly string[] {
  const queries = text.replaceAll(/^\s*(?:action|summary):.*$/gm, '')
  return [...queries.matchAll(/\bmillrace_\w+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ''))
}

/** What the functions and a gateway answer to a scrape. */
async function realMetrics(): Promise<ReadonlySet<string>> {
  const replica = await reachDatabase('sqlite')
  const service = await startService('sqlite', {
    vars: { DATABASE_READ_URL: replica.raw.url, DATABASE_READ_GATEWAY_URL: replica.gateway.url },
  })
  const gateway = await startGateway({ target: targetOf(service.database.url) })
  try {
    const [gatewayUrl] = service.gatewayUrls
    const store = (await openDatabase({ target: targetOf(service.database.url), gatewayUrl })).store()
    const at = new Date()
    const backup = {
      bytes: 1,
      rowCount: 1,
      sha256: 'of it',
      consistency: null,
      createdAt: at,
      verifiedAt: at,
      drilledAt: null,
    }
    await recordBackup(store, { ...backup, isEncrypted: false, name: 'one', result: 'ok' }, crypto.randomUUID())
    const headers = { Authorization: `Bearer ${service.vars['METRICS_TOKEN']}` }
    const scrapes = [await service.fetch('/metrics', { headers }), await fetch(`${gateway.url}/metrics`)]
    const texts = await Promise.all(scrapes.map((answer) => answer.text()))
    return new Set([...texts.join('\n').matchAll(/^# TYPE (\w+)/gm)].flatMap(([, name]) => name ?? []))
  } finally {
    await gateway.close()
    await service.stop()
    await replica.stop()
  }
}
