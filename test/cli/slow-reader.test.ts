import { existsSync } from 'node:fs'
import { inject, expect, test } from 'vitest'
import { emptyDirectory, start } from './millrace.ts'

test('a reader that is slower than the command gets all of its document', async () => {
  // An error repeats the name in `what` and `why`, so its document is more than a pipe holds (64 KiB).
  const name = 'x'.repeat(100_000)
  const line = '"$0" "$1" verify "$2" --json | { sleep 2; cat; }'
  const running = start('sh', ['-c', line, process.execPath, inject('command'), name], { cwd: emptyDirectory() })
  const { stdout } = await running.ended
  expect(stdout.length).toBeGreaterThan(100_000)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'file_missing' } })
})

test.skipIf(!existsSync('/dev/full'))('a result that finds no space is a failure, told as one', async () => {
  const cwd = emptyDirectory()
  const run = (line: string) => start('sh', ['-c', line, process.execPath, inject('command')], { cwd }).ended
  const words = /^error: .+\n {2}why: ENOSPC.+\n {2}fix: .+\n/
  const secrets = await run('"$0" "$1" secrets new > /dev/full')
  expect(secrets).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(words) })
  expect(await run('"$0" "$1" migrate')).toMatchObject({ exitCode: 0 })
  const backup = await run('"$0" "$1" backup --out - > /dev/full')
  expect(backup).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('standard output cannot be written') })
  expect(backup.stderr).not.toContain('    at ')
})
