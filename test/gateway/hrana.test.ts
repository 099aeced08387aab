import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startGateway, type Gateway } from '@millrace/gateway'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { gatewayOnlyHranaCases, hranaCases, slowHranaCases } from './hrana-cases.ts'
import { HranaClient } from './hrana-client.ts'
import { locateSqld, startSqld, type Sqld } from './sqld.ts'
import { targetOf } from './target.ts'

describe('the gateway, as a libSQL server', () => {
  let database: TestDatabase
  let gateway: Gateway
  beforeAll(async () => {
    database = await freshDatabase('sqlite')
    gateway = await startGateway({ target: targetOf(database.url) })
  })
  afterAll(async () => {
    await gateway.close()
    await database.drop()
  })

  it.each([...hranaCases, ...gatewayOnlyHranaCases])('$name', async ({ run, expected }) => {
    expect(await run((version) => new HranaClient(gateway.url, version))).toEqual(expected)
  })

  it.concurrent.each(slowHranaCases)('$name', async ({ run, expected }) => {
    expect(await run((version) => new HranaClient(gateway.url, version))).toEqual(expected)
  })
})

const sqldProgram = await locateSqld()

describe.skipIf(sqldProgram === undefined)('the real sqld', () => {
  let sqld: Sqld
  beforeAll(async () => {
    sqld = await startSqld(sqldProgram ?? '', join(inject('directory'), 'sqld'))
  })
  afterAll(() => sqld.stop())

  it.each(hranaCases)('$name', async ({ run, expected, onSqld }) => {
    expect(await run((version) => new HranaClient(sqld.url, version))).toEqual(onSqld?.expected ?? expected)
  })

  it.concurrent.each(slowHranaCases)('$name', async ({ run, expected, onSqld }) => {
    expect(await run((version) => new HranaClient(sqld.url, version))).toEqual(onSqld?.expected ?? expected)
  })
})
