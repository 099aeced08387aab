import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, inject, test } from 'vitest'

const mostBytes = 200 * 1024

test('the Worker, as wrangler deploys it, has at most 200 KiB gzipped', async (context) => {
  const worker = inject('worker')
  if ('failed' in worker) throw new Error(worker.failed)
  const script = readFileSync(worker.script)
  const { length } = gzipSync(script)
  const told = `${(script.length / 1024).toFixed(1)} KiB, gzipped ${(length / 1024).toFixed(1)} KiB`
  await context.annotate(told)
  process.stdout.write(`The Worker's bundle: ${told}\n`)
  expect(length).toBeLessThanOrEqual(mostBytes)
})

test('and the driver that the functions do without is not in it', () => {
  const worker = inject('worker')
  if ('failed' in worker) throw new Error(worker.failed)
  const script = readFileSync(worker.script, 'utf8')
  expect(script).toContain('Neon-Connection-String')
  expect(script).not.toContain('SCRAM-SHA-256')
})
