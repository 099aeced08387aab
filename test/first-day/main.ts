/**
 * A new user's first day: `pnpm first-day > docs/first-day.md` plays it and prints the page. `--short` leaves out what
 * takes minutes, for the tests. Ends with 1 at the first step that does not work.
 */
import { parseArgs } from 'node:util'
import { openDiary } from './diary.ts'
import { makeHome } from './home.ts'
import { playDay } from './journey.ts'
import { linkPackages, putExamples, putTarballs } from './packages.ts'
import { pageOf } from './page.ts'

const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, picture: { type: 'string' } },
})
const { short: isShort, picture } = values

const home = makeHome({ node: isShort ? 'this' : 'machine' })
const diary = openDiary(home, (line) => process.stderr.write(`${line}\n`))
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => void home.remove().then(() => process.exit(exitCode)))
try {
  putExamples(home)
  if (isShort) linkPackages(home)
  else putTarballs(home)
  const { url, deployedUrl } = await playDay({ home, diary, isShort, picture })
  process.stdout.write(
    pageOf(diary.entries, [
      { found: url, shown: 'http://127.0.0.1:8787' },
      ...(deployedUrl === undefined
        ? []
        : [{ found: deployedUrl, shown: 'https://millrace-staging.example.workers.dev' }]),
      { found: home.folder, shown: '~' },
    ]),
  )
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
} finally {
  await home.remove()
}
