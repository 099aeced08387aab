import { saveFromTwoWindows, versionsInConsole, withBrowser } from './browser.ts'
import { ended, must, type Diary } from './diary.ts'
import { deployToStandIn } from './deployment.ts'
import type { Home, Running } from './home.ts'
import { putClone, tarballOf } from './packages.ts'

export interface Day {
  readonly home: Home
  readonly diary: Diary
  /** Without what takes minutes: installations, a clone, a deployment. */
  readonly isShort: boolean
  /** Where the front end's conflict is pictured. */
  readonly picture: string | undefined
}

/** What the page shows in place of it. */
export interface Addresses {
  readonly url: string
  /** Of what was deployed. */
  readonly deployedUrl: string | undefined
}

const [username, password] = ['ada', 'correct horse battery']
const json = `-H 'Content-Type: application/json'`
const workflow = 'Order'

/** Plays the whole day. Throws at the first thing that is not as it must be. */
export async function playDay(day: Day): Promise<Addresses> {
  await install(day)
  const { dev, url } = await startDev(day)
  const workflowId = await firstWorkflow(day, url)
  await frontEnd(day, url)
  await inConsole(day, { url, workflowId })
  await worker(day, { url, workflowId })
  await backups(day)
  await checks(day)
  const deployedUrl = day.isShort ? undefined : await deployToStandIn(day)
  await end(day, dev)
  if (!day.isShort) await inClone(day)
  return { url, deployedUrl }
}

async function install({ diary, home, isShort }: Day): Promise<void> {
  if (isShort) return
  await diary.command(
    'Install',
    'An empty folder, an empty home, an empty cache. The package is not published yet, so its tarball is installed.',
    `npm install ./${tarballOf(home, 'millrace')}`,
    { shown: () => '' },
  )
  await diary.command(
    'Ask for help',
    'On a Node older than 22 the first call fetches Node 22 through npm, once.',
    'npx millrace --help',
    { shown: (output) => output.split('\n').slice(0, 12).join('\n') },
  )
}

async function startDev(day: Day): Promise<{ readonly dev: Running; readonly url: string }> {
  const first = await startOnce(
    day,
    'Start',
    'A database is created, migrated and served, with secrets for development.',
  )
  if (day.isShort) return first
  first.dev.signal('SIGINT')
  await ended(first.dev, 'dev', 130)
  return startOnce(day, 'Start again', 'Ctrl-C ends everything. The second start finds its database and its secrets.')
}

async function startOnce({ diary, home }: Day, title: string, text: string) {
  const command = 'npx millrace dev'
  return diary.step(title, async () => {
    const dev = home.start(command)
    const [, url = ''] = await dev.until(/millrace is ready on (\S+)[^]*Ctrl-C to stop\./)
    await expectJson(`${url}/readyz`, 'ready')
    // Behind it is the log of requests.
    return { text, command, output: must(/^[^]*Ctrl-C to stop\./, dev.output(), 0), result: { dev, url } }
  })
}

async function expectJson(url: string, found: string): Promise<void> {
  const answer = await (await fetch(url)).text()
  if (!answer.includes(found)) throw new Error(`${url} answered ${answer}`)
}

/** An account, an imported workflow, an administrator, a key. Gives the workflow's id. */
async function firstWorkflow({ diary }: Day, url: string): Promise<string> {
  await diary.command(
    'Register',
    'An account, over the API.',
    `curl -sS ${url}/v1/auth/register ${json} \\\n  -d '{"username":"${username}","email":"ada@example.com","password":"${password}"}'`,
  )
  const imported = await diary.command(
    'Import workflows',
    'Each JSON file becomes a workflow, its text unchanged.',
    `npx millrace import flows --owner ${username} --json`,
  )
  const workflowId = must(/"id":\s*"([^"]+)"/, imported)
  await diary.command(
    'The first administrator',
    'There is none until somebody with access to the database creates one.',
    `npx millrace user role ${username} admin`,
  )
  await diary.command(
    'An API key',
    'Programs have keys, with the scopes that they need. The key is printed once.',
    `npx millrace api-key new worker --owner ${username} --scopes read,write,worker > worker.key`,
  )
  return workflowId
}

async function frontEnd({ diary, home, isShort, picture }: Day, url: string): Promise<void> {
  const client = isShort ? '' : `npm install ../${tarballOf(home, 'millrace-client')} && `
  await diary.command(
    'Build a front end and a worker',
    'The folder `product` is [examples/product](../examples/product/README.md), copied out of the repository: a page and a worker on `@millrace/client`.',
    `${client}npm run build`,
    { in: 'product', shown: () => '' },
  )
  await diary.step('Two people save the same workflow', async () => {
    const command = 'npm run front'
    const front = home.start(command, { in: 'product' })
    const [, address = ''] = await front.until(/Local:\s+(http:\S+?)\/?\s/)
    const said = await withBrowser((browser) =>
      saveFromTwoWindows(browser, `${address}/?api=${url}`, { username, password, workflow, picture }),
    )
    front.signal('SIGINT')
    await front.ended
    const text =
      'The page, in two windows of Chromium. Both open the workflow and save; the second one is refused with 412, sees the other definition and decides.'
    return { text, command, output: said.join('\n'), result: undefined }
  })
}

async function inConsole({ diary }: Day, at: { readonly url: string; readonly workflowId: string }): Promise<void> {
  await diary.step('Look at it in the console', async () => {
    const versions = await withBrowser((browser) => versionsInConsole(browser, at.url, { username, password, ...at }))
    if (versions.length !== 3) throw new Error(`the console shows ${versions.join(', ')}`)
    const text =
      'Chromium logs in at `/console` and opens the versions of the workflow: the imported one, and both saves.'
    return { text, output: versions.join('\n'), result: undefined }
  })
}

/** A worker that dies between two steps, and one that goes on behind the first. */
async function worker(
  day: Day,
  { url, workflowId }: { readonly url: string; readonly workflowId: string },
): Promise<void> {
  const { diary, home } = day
  const asKey = `-H "Authorization: Bearer $(cat worker.key)"`
  const started = await diary.command(
    'Start an execution',
    'It waits for a worker.',
    `curl -sS ${url}/v1/workflows/${workflowId}/executions ${asKey} \\\n  ${json} -d '{"input":{"day":"Monday"}}'`,
    { shown: (output) => must(/"status":"[^"]+"/, output, 0) },
  )
  const executionId = must(/"id":"([^"]+)"/, started)
  const command = 'MILLRACE_API_KEY=$(cat ../worker.key) npm run worker'
  const env = { MILLRACE_URL: url }
  await diary.step('A worker dies', async () => {
    const dying = home.start(command, { in: 'product', env })
    await dying.until(/step count/)
    dying.signal('SIGKILL')
    const { output } = await dying.ended
    const text = 'It is killed with SIGKILL when its first step is recorded.'
    return { text, command, output: withoutBanner(output), result: undefined }
  })
  await diary.step('Another worker goes on', async () => {
    const next = home.start(command, { in: 'product', env })
    await next.until(/reported completed/)
    next.signal('SIGINT')
    const { output } = await next.ended
    const text = 'When the lease of the dead worker has run out, the next worker continues after the recorded step.'
    return { text, command, output: withoutBanner(output), result: undefined }
  })
  await diary.command(
    'What was done',
    'Each action ran once, and the execution is completed.',
    `sort product/acts.log\ncurl -sS ${url}/v1/executions/${executionId} ${asKey}`,
    { shown: (output) => `${output.split('\n{')[0]}\n${must(/"status":"completed"/, output, 0)}` },
  )
}

/** npm prints what it runs. */
const withoutBanner = (output: string): string =>
  output
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join('\n')

async function backups({ diary }: Day): Promise<void> {
  const steps: readonly (readonly [title: string, text: string, command: string])[] = [
    [
      'Secrets for production',
      'The identity opens the backups: it goes into a file of its own.',
      'npx millrace secrets new --identity-file identity.txt > secrets.env',
    ],
    [
      'Back up',
      'One consistent snapshot, while `dev` goes on, encrypted for the recipient in `secrets.env`.',
      `npx millrace backup --out monday.millrace --recipient "$(sed -n 's/^BACKUP_RECIPIENTS=//p' secrets.env)"`,
    ],
    [
      'Verify',
      'Reads the archive to its end, and compares every digest.',
      'npx millrace verify monday.millrace --identity identity.txt',
    ],
    [
      'Drill',
      'Restores it into a temporary database and reads it back through the code of the API. `--database` records the result.',
      'npx millrace drill monday.millrace --identity identity.txt --database sqlite:///./workflows.db',
    ],
    [
      'Restore',
      'Into a new database; its own digests must be those of the archive.',
      'npx millrace restore monday.millrace --identity identity.txt --database sqlite:///./restored.db',
    ],
    [
      'Copy',
      'From one database straight into another, with the same comparison at the end.',
      'npx millrace copy --from sqlite:///./workflows.db --to sqlite:///./copied.db',
    ],
  ]
  for (const [title, text, command] of steps) await diary.command(title, text, command)
}

async function checks({ diary }: Day): Promise<void> {
  await diary.command(
    'Ask the doctor',
    'The production checklist. `--dev` reports production-only failures as warnings.',
    'npx millrace doctor --dev',
  )
  await diary.command(
    'One look',
    'Version, executions, schedules, the last backup and the checklist in short.',
    'npx millrace status --dev',
  )
}

async function end({ diary }: Day, dev: Running): Promise<void> {
  await diary.step('Stop', async () => {
    dev.signal('SIGINT')
    await ended(dev, 'dev', 130)
    return { text: 'Ctrl-C ends `dev` and everything that it started. The exit code is 130.', result: undefined }
  })
}

/** The README's first command, cold and warm. */
async function inClone({ diary, home }: Day): Promise<void> {
  putClone(home)
  const command = 'npx -y pnpm@12 dev'
  for (const [title, text] of [
    ['The same in a clone, cold', "The README's command, with an empty package store: it installs everything first."],
    ['The same in a clone, warm', 'The second time.'],
  ] as const) {
    await diary.step(title, async () => {
      const dev = home.start(command, { in: 'clone' })
      const [, url = ''] = await dev.until(/millrace is ready on (\S+)/)
      await expectJson(`${url}/readyz`, 'ready')
      dev.signal('SIGINT')
      await dev.ended
      return { text, command, result: undefined }
    })
  }
}
