import { expect, test } from 'vitest'
import { Failure } from './failure.ts'
import { createOutput } from './output.ts'

function captured(isJson: boolean) {
  const written = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text
    },
  })
  return { written, output: createOutput({ stdout: stream('stdout'), stderr: stream('stderr') }, isJson) }
}

const failure = new Failure('url_invalid', { what: 'Wrong.', why: 'abc\n  ^', fix: 'Correct it.' })

test('an error is what, why and fix, and lines of the why stay under each other', () => {
  const { written, output } = captured(false)
  output.failure(failure)
  expect(written).toEqual({
    stdout: '',
    stderr: 'error: Wrong.\n  why: abc\n         ^\n  fix: Correct it.\n  see: docs/databases.md\n',
  })
})

test('with --json everything but the one document is standard error', () => {
  const { written, output } = captured(true)
  output.note('on the way')
  output.failure(failure, { ok: false })
  expect(JSON.parse(written.stdout)).toEqual({
    ok: false,
    error: { code: 'url_invalid', what: 'Wrong.', why: 'abc\n  ^', fix: 'Correct it.' },
  })
  expect(written.stderr).toBe('on the way\n')
})

test('an error after the result does not make a second document', () => {
  const { written, output } = captured(true)
  output.result({ url: 'x' }, 'words')
  output.failure(failure)
  expect(written.stdout).toBe('{"url":"x"}\n')
  expect(written.stderr).toContain('error: Wrong.')
})
