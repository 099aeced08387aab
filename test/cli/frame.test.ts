import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { knownMigrations } from '@millrace/db/schema/known-migrations'
import { createProgram } from '@millrace/cli/program'
import { describe, expect, test, vi } from 'vitest'
import { describeHalf, drawnFrom } from '../sampling.ts'
import { documentOf, emptyDirectory, millrace, start, workspace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

type Command = ReturnType<typeof createProgram>

const wrongArguments: readonly (readonly string[])[] = [
  [],
  ['nonsense'],
  ['--nonsense'],
  ['migrate', 'nonsense'],
  ['migrate', '--nonsense'],
  ['migrate', '--database'],
  ['user'],
  ['user', 'add', 'ada'],
  ['import', '--owner', 'ada'],
  ['gateway', '--port', '70000'],
  ['backup'],
  ['migrate', 'status', '--record', '0001_initial'],
  ['backup', '--out', 'a', 'fetch', 'latest'],
  ['user', 'role', 'ada', 'owner'],
  ['completion', 'tcsh'],
  ['help', 'nonsense'],
  // What a shell makes of variables that are not set: no default takes their place.
  ['copy', '--from', '', '--to', 'sqlite:///./new.db'],
  ['copy', '--from', 'sqlite:///./old.db', '--to='],
  ['import', '', '--owner', 'ada'],
  ['export', ''],
  ['serve', '--host', ''],
  ['gateway', '--host='],
]

describe('wrong arguments', () => {
  test.for(drawnFrom(wrongArguments, 6, 'wrong arguments'))(
    '%j end with 2 and code usage, in three lines and as one document',
    async (args) => {
      const cwd = emptyDirectory()
      const words = await millrace(args, { cwd })
      expect(words.exitCode).toBe(2)
      expect(words.stdout).toBe('')
      expect(words.stderr).toMatch(/^error: .+\n {2}why: .+\n {2}fix: .*millrace.*--help.*\n$/)
      const json = await millrace([...args, '--json'], { cwd })
      expect(json.exitCode).toBe(2)
      expect(documentOf(json)).toEqual({
        error: { code: 'usage', what: expect.any(String), why: expect.any(String), fix: expect.any(String) },
      })
      expect(readdirSync(cwd)).toEqual([])
    },
  )
})

/** Each starts a process; the test below them asks all commands in this one. */
const commandsWithHelp: readonly (readonly string[])[] = [
  [],
  ['dev'],
  ['migrate'],
  ['push'],
  ['migrate', 'status'],
  ['import'],
  ['user'],
  ['user', 'add'],
  ['user', 'list'],
  ['user', 'disable'],
  ['user', 'enable'],
  ['user', 'password'],
  ['user', 'role'],
  ['user', 'remove'],
  ['api-key'],
  ['api-key', 'new'],
  ['api-key', 'list'],
  ['api-key', 'remove'],
  ['export'],
  ['status'],
  ['completion'],
  ['secrets'],
  ['secrets', 'new'],
  ['gateway'],
]

test.for(drawnFrom(commandsWithHelp, 8, 'help'))(
  'millrace %j --help describes itself and ends with 0',
  async (args) => {
    const help = await millrace([...args, '--help'], { cwd: emptyDirectory() })
    expect(help).toMatchObject({ exitCode: 0, stderr: '' })
    expect(help.stdout).toContain(`Usage: millrace ${args.at(-1) === 'push' ? 'migrate' : args.join(' ')}`.trim())
    expect(help.stdout).toContain('--json')
  },
)

test.for([
  ['--help', 'Usage: millrace [options]'],
  ['help', 'Usage: millrace [options]'],
  ['migrate --help', 'Usage: millrace migrate'],
  ['help migrate status', 'Usage: millrace migrate status'],
] as const)('millrace %s with --json is one document, examples and all', async ([args, usage]) => {
  const help = await millrace([...args.split(' '), '--json'], { cwd: emptyDirectory() })
  expect(help).toMatchObject({ exitCode: 0, stderr: '' })
  expect(documentOf(help)).toEqual({ help: expect.stringMatching(/Examples:\n {2}/) })
  expect(documentOf(help)).toEqual({ help: expect.stringContaining(usage) })
})

/** Every command that there is, by the words that lead to it. */
function commandPaths(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return [path, ...command.commands.flatMap((child) => commandPaths(child, [...path, child.name()]))]
}

test('the help of every command has examples, and accepts --json', () => {
  const silent = { write: () => true }
  const program = createProgram({ streams: { stdout: silent, stderr: silent }, isJson: false, run: async () => {} })
  const helps = new Map<string, string>()
  for (const path of commandPaths(program).filter(([name]) => name !== 'help')) {
    const command = path.reduce<Command | undefined>(
      (at, name) => at?.commands.find((child) => child.name() === name),
      program,
    )
    let text = ''
    command?.configureOutput({ writeOut: (part) => (text += part) }).outputHelp()
    helps.set(path.join(' '), text)
  }
  expect(helps.size).toBeGreaterThan(30)
  expect([...helps].filter(([, text]) => !/Examples:\n {2}millrace \S|Examples:\n {2}\S/.test(text))).toEqual([])
  expect([...helps].filter(([, text]) => !text.includes('--json'))).toEqual([])
})

test.for([
  [['user', 'add', 'ada', '--password=hunter2', '--email', 'a@example.com'], "unknown option '--password=***'"],
  [['user', 'add', 'ada', 'hunter2', '--email', 'a@example.com'], 'Expected 1 argument but got 2.'],
  [['mysql://ada:hunter2@db/x'], "unknown command 'mysql://ada:***@db/x'"],
  [['completion', 'mysql://ada:hunter2@db/x'], "'mysql://ada:***@db/x' is invalid"],
  [['serve', '--port', 'mysql://ada:hunter2@db/x'], "'mysql://ada:***@db/x' is invalid"],
] as const)('what was typed in the wrong place is not repeated: %j', async ([args, why]) => {
  const ended = await millrace([...args, '--json'], { cwd: emptyDirectory() })
  expect(documentOf(ended)).toMatchObject({ error: { code: 'usage', why: expect.stringContaining(why) } })
  expect(ended.stdout + ended.stderr).not.toContain('hunter2')
})

describeHalf('completion', () => {
  const complete = async (line: string) => {
    const cwd = emptyDirectory()
    const { stdout } = await millrace(['completion', 'bash'], { cwd })
    const words = line.split(' ')
    const script = `${stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout: replies } = await start('bash', ['--norc', '-c', script], { cwd }).ended
    return replies.split('\n').filter((reply) => reply !== '')
  }

  test.for([
    ['millrace mig', ['migrate']],
    ['millrace migrate st', ['status']],
    ['millrace api-key new x --sc', ['--scopes']],
    ['millrace backup --consistency ', ['snapshot', 'table']],
    ['millrace completion f', ['fish']],
    ['millrace backup --out ', []],
  ] as const)('of %j is %j', async ([line, replies]) => {
    expect(await complete(line)).toEqual(replies)
  })

  test.for(['bash', 'zsh', 'fish'])('for %s names every command', async (shell) => {
    const ended = await millrace(['completion', shell, '--json'], { cwd: emptyDirectory() })
    const { script } = documentOf(ended) as { script: string }
    for (const name of ['export', 'api-key', 'rotate', 'fetch', '--consistency'.slice(2)])
      expect(script).toContain(name)
  })
})

test('--version is the version, as a document too', async () => {
  const cwd = emptyDirectory()
  const words = await millrace(['--version'], { cwd })
  expect(words).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  expect(documentOf(await millrace(['--version', '--json'], { cwd }))).toEqual({ version: words.stdout.trim() })
})

test('secrets new makes other secrets each time, as the settings want them', async () => {
  const cwd = emptyDirectory()
  const secrets = {
    AUTH_KEYS: expect.stringMatching(/^[A-Za-z0-9]+:[A-Za-z0-9_-]{43}$/),
    SETTINGS_KEYS: expect.stringMatching(/^[A-Za-z0-9]+:[A-Za-z0-9_-]{43}$/),
    METRICS_TOKEN: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    age: {
      recipient: expect.stringMatching(/^age1[0-9a-z]{58}$/),
      identity: expect.stringMatching(/^AGE-SECRET-KEY-1[0-9A-Z]{58}$/),
    },
  }
  const [first, second] = await Promise.all([
    millrace(['secrets', 'new', '--json'], { cwd }),
    millrace(['secrets', 'new', '--json'], { cwd }),
  ])
  expect(documentOf(first)).toEqual(secrets)
  expect(first.stdout).not.toBe(second.stdout)
  expect(readdirSync(cwd)).toEqual([])
})

describeHalf('the database', () => {
  const status = ['migrate', 'status']

  test('that is a missing SQLite file counts as empty and is not created by looking', async () => {
    const cwd = emptyDirectory()
    const ended = await millrace([...status, '--json'], { cwd })
    expect(ended.exitCode).toBe(1)
    expect(documentOf(ended)).toMatchObject({ ok: false, applied: [], pending: knownMigrations })
    expect(readdirSync(cwd)).toEqual([])
    const dryRun = await millrace(['migrate', '--dry-run'], { cwd })
    expect(dryRun).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('CREATE TABLE') })
    expect(readdirSync(cwd)).toEqual([])
  })

  test.for([
    ['user', 'list'],
    ['import', 'flow.json', '--owner', 'ada'],
  ])('that is a missing SQLite file is refused by %j, not created', async (args) => {
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, 'flow.json'), '{}')
    const ended = await millrace([...args, '--json'], { cwd })
    expect(ended.exitCode).toBe(1)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'database_missing' } })
    expect(readdirSync(cwd)).toEqual(['flow.json'])
  })

  test('is --database before DATABASE_URL before .env before ./workflows.db, an empty value counting as absent', async () => {
    const cwd = emptyDirectory()
    const shownBy = async (args: readonly string[], env: Record<string, string>) =>
      (await millrace([...status, ...args], { cwd, env })).stdout.split('\n')[0]
    expect(await shownBy([], { DATABASE_URL: '' })).toBe('sqlite:///./workflows.db')
    writeFileSync(join(cwd, '.env'), 'DATABASE_URL="sqlite:///./from-dot-env.db"\n')
    expect(await shownBy([], { DATABASE_URL: '' })).toBe('sqlite:///./from-dot-env.db')
    const env = { DATABASE_URL: 'sqlite:///./from-environment.db' }
    expect(await shownBy([], env)).toBe('sqlite:///./from-environment.db')
    expect(await shownBy(['--database', 'sqlite:///./from-option.db'], env)).toBe('sqlite:///./from-option.db')
  })

  test('comes from the file that DATABASE_URL_FILE names', async () => {
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, 'url'), 'sqlite:///./mounted.db\n')
    const ended = await millrace(status, { cwd, env: { DATABASE_URL_FILE: 'url' } })
    expect(ended.stdout).toMatch(/^sqlite:\/\/\/\.\/mounted\.db\n/)
    const missing = await millrace([...status, '--json'], { cwd, env: { DATABASE_URL_FILE: 'absent' } })
    expect(missing.exitCode).toBe(2)
    expect(documentOf(missing)).toMatchObject({ error: { code: 'settings_invalid' } })
    const both = { DATABASE_URL_FILE: 'url', DATABASE_URL: 'sqlite:///./x.db' }
    expect((await millrace(status, { cwd, env: both })).exitCode).toBe(2)
  })

  test('as a relative file is relative to where the command was called', async () => {
    const cwd = emptyDirectory()
    mkdirSync(join(cwd, 'below'))
    const ended = await millrace(['migrate', '--json', '--database', 'sqlite:///./mine.db'], {
      cwd: join(cwd, 'below'),
    })
    expect(documentOf(ended)).toEqual({ applied: knownMigrations })
    expect(existsSync(join(cwd, 'below/mine.db'))).toBe(true)
    expect(readdirSync(cwd)).toEqual(['below'])
  })

  test('in a directory that is not there is refused before any work', async () => {
    const cwd = emptyDirectory()
    const ended = await millrace(['migrate', '--json', '--database', 'sqlite:///./absent/x.db'], { cwd })
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'file_missing' } })
  })

  test.for([
    'postgresql://ada:s3cr3t-w0rd@127.0.0.1:notaport/db',
    'postgresql://ada:s3cr3t-w0rd@127.0.0.1:1/db?pool_sizes=3',
    'nonsense://ada:s3cr3t-w0rd@127.0.0.1/db',
    'postgresql://ada:s3cr3t-w0rd@127.0.0.1:1/db',
    'mysql://ada:s3cr3t-w0rd@127.0.0.1:1/db',
  ])('%s is an error that never shows the password', async (url) => {
    const cwd = emptyDirectory()
    for (const args of [status, [...status, '--json']]) {
      const ended = await millrace([...args, '--database', url], { cwd })
      expect(ended.exitCode).toBe(url.endsWith('127.0.0.1:1/db') ? 1 : 2)
      expect(ended.stdout + ended.stderr).not.toContain('s3cr3t')
    }
  })

  test('that cannot be reached is an error with the code of the API', async () => {
    const cwd = emptyDirectory()
    const url = 'postgresql://ada:word@127.0.0.1:1/db?connect_timeout=1'
    const ended = await millrace(['user', 'list', '--json', '--database', url], { cwd })
    expect(ended.exitCode).toBe(1)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'database_unreachable' } })
  })
})

test('a reader that goes away leaves the exit code to the work', async () => {
  const cwd = emptyDirectory()
  const bin = join(workspace, 'node_modules/.bin/millrace')
  const piped = start(
    'bash',
    ['-c', `set -o pipefail; '${bin}' migrate --dry-run | true; echo "exit \${PIPESTATUS[0]}"`],
    {
      cwd,
    },
  )
  expect(await piped.ended).toMatchObject({ stdout: 'exit 0\n', stderr: '' })
})
