import { expect, test } from 'vitest'
import { Failure } from '../failure.ts'
import { envFileText, envSafeUrl } from './env-file.ts'

test('values are quoted by a quote that they do not hold, and `$` is no reference', () => {
  expect(envFileText({ A: 'plain', B: "it's $HOME", C: `it's a \`tick\`` })).toBe(
    `A='plain'\nB=\`it's \\$HOME\`\nC="it's a \`tick\`"\n`,
  )
})

test.for(['all \' " `', String.raw`a\$b`, 'a\rb', `it's \`x\` \\n`])(
  '%j cannot be written and is refused by name',
  (value) => {
    expect(() => envFileText({ METRICS_TOKEN: value })).toThrow(Failure)
    expect(() => envFileText({ METRICS_TOKEN: value })).toThrow('METRICS_TOKEN')
  },
)

test('a URL keeps its meaning when what is hard to quote is percent-encoded', () => {
  const url = String.raw`postgresql://ada:it's$"a\b` + '`@127.0.0.1/db'
  expect(envSafeUrl(url)).not.toMatch(/[$'"`\\]/)
  expect(decodeURIComponent(envSafeUrl(url))).toBe(url)
})
