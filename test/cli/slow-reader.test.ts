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
