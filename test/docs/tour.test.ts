import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startService, type Service } from '../service.ts'
import { readPage, type Block } from './markdown.ts'

const run = promisify(execFile)
const divider = '--- end of a block ---'

let service: Service

beforeAll(async () => {
  service = await startService('sqlite')
})
afterAll(() => service.stop())

test.for(['README.md', 'docs/api.md'])(
  'the tour of %s works as pasted, and its answers are those that it shows',
  async (path) => {
    const steps = tourOf(readPage(path).blocks)
    expect(steps.length).toBeGreaterThan(5)
    const script = steps.map(({ commands }) => `${atService(commands)}\necho '${divider}'`).join('\n')
    // Node's pipes are sockets: bash takes them for a remote shell's, and would read its start-up files.
    const { stdout, stderr } = await run('bash', ['--norc', '-euo', 'pipefail', '-c', script])
    expect(stderr).toBe('')
    const answers = stdout.split(`${divider}\n`).slice(0, -1)
    expect(answers.map(withoutMoments)).toEqual(steps.map(({ shown }) => withoutMoments(shown)))
  },
)

interface Step {
  readonly commands: string
  readonly shown: string
}

/** Each block of the tour, with the block behind it, which shows the answer. */
function tourOf(blocks: readonly Block[]): readonly Step[] {
  return blocks.flatMap(({ info, text }, index) =>
    info === 'bash tour' ? [{ commands: text, shown: blocks[index + 1]?.text ?? '' }] : [],
  )
}

function atService(commands: string): string {
  return commands.replace(/^URL=.*$/m, `URL=${service.urls[0] ?? ''}`)
}

/** Without what differs from one run to the next: ids, times and tokens. */
function withoutMoments(answer: string): string {
  return answer
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
    .replaceAll(/"(accessToken|refreshToken)":"[^"]+"/g, '"$1":"TOKEN"')
}
