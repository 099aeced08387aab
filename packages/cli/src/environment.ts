import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Directories } from './directories.ts'
import { dotEnvWarnings } from './dot-env.ts'
import { Failure } from './failure.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The variables of docs/contract/cli.md's "Environment": each can stand in a file that `NAME_FILE` names. */
export const settingNames = [
  'DATABASE_URL',
  'DATABASE_READ_URL',
  'DATABASE_AUTH_TOKEN',
  'DATABASE_GATEWAY_URL',
  'DATABASE_GATEWAY_TOKEN',
  'DATABASE_READ_GATEWAY_URL',
  'AUTH_KEYS',
  'SETTINGS_KEYS',
  'METRICS_TOKEN',
  'BACKUP_RECIPIENTS',
  'BACKUP_KEEP',
  'BACKUP_IDENTITY',
  'REGISTRATION',
  'BCRYPT_COST',
  'MAX_BODY_BYTES',
  'CORS_ORIGINS',
  'TRUSTED_PROXIES',
  'LOG_LEVEL',
  'SLOW_QUERY_MS',
  'RATE_LIMITS',
  'MAIL_WEBHOOK_URL',
  'MAIL_WEBHOOK_SECRET',
  'EXECUTION_KEEP',
  'AUDIT_KEEP',
  'BACKUP_TO',
] as const

export type SettingName = (typeof settingNames)[number]

/**
 * What `BACKUP_TO=s3://…` of `serve` needs, by the names that Amazon's own tools read. They are no settings of the functions,
 * whose bucket is bound: `deploy` must not send those of the machine that it runs on to the Worker.
 */
export const bucketNames = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL',
] as const

const namesOfFiles: readonly string[] = [...settingNames, ...bucketNames]

/** Those that whoever reads them could use: they are never shown, and never on a command line. */
export const secretNames: ReadonlySet<string> = new Set<SettingName>([
  'DATABASE_URL',
  'DATABASE_READ_URL',
  'DATABASE_AUTH_TOKEN',
  'DATABASE_GATEWAY_TOKEN',
  'AUTH_KEYS',
  'SETTINGS_KEYS',
  'METRICS_TOKEN',
  'BACKUP_IDENTITY',
  'MAIL_WEBHOOK_SECRET',
])

/** Of `.env` too, but not the functions'. */
const otherNames = ['MILLRACE_API_KEY', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNT_ID', 'NODE_ENV']

/** Is told what is probably not meant; never with a value in it. */
export type Warn = (words: string) => void

function withoutEmpty(variables: Environment): Record<string, string> {
  const present: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && value !== '') present[name] = value
  }
  return present
}

/** Editors on Windows put a mark before the first character, which would become part of the first name or value. */
function readText(path: string): string {
  return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
}

function readDotEnv(directories: Directories, warn: Warn): Environment {
  const file = [directories.caller, directories.workspace]
    .map((directory) => join(directory, '.env'))
    .find((path) => existsSync(path))
  if (file === undefined) return {}
  try {
    const text = readText(file)
    for (const words of dotEnvWarnings(text, [...namesOfFiles, ...otherNames])) warn(words)
    return parseEnv(text)
  } catch (error) {
    throw new Failure('settings_invalid', {
      what: `The settings file ${file} cannot be read.`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'Make it a readable text file of NAME=value lines, or remove it.',
    })
  }
}

function readMountedFile(name: string, path: string, callerDirectory: string): string {
  try {
    return readText(resolve(callerDirectory, path)).replace(/\r?\n$/, '')
  } catch (error) {
    throw new Failure('settings_invalid', {
      what: `The file that ${name}_FILE names cannot be read.`,
      why: error instanceof Error ? error.message : String(error),
      fix: `Correct ${name}_FILE, or set ${name} itself.`,
    })
  }
}

/** One source's variables, each `NAME_FILE` replaced by the file's content under NAME. */
function withMountedFiles(source: Environment, callerDirectory: string): Environment {
  const variables = withoutEmpty(source)
  for (const name of namesOfFiles) {
    const path = variables[`${name}_FILE`]
    if (path === undefined) continue
    if (variables[name] !== undefined) {
      throw new Failure('settings_invalid', {
        what: `Both ${name} and ${name}_FILE are set.`,
        why: 'Which of the two is meant cannot be told.',
        fix: `Unset one of them.`,
      })
    }
    variables[name] = readMountedFile(name, path, callerDirectory)
  }
  return withoutEmpty(variables)
}

/**
 * The settings that hold: the process's own variables before those of `.env`, which is the caller's, else the
 * workspace root's. An empty value counts as absent.
 */
export function loadEnvironment(
  processVariables: Environment,
  directories: Directories,
  warn: Warn = () => undefined,
): Environment {
  const environment: Environment = {
    ...withMountedFiles(readDotEnv(directories, warn), directories.caller),
    ...withMountedFiles(processVariables, directories.caller),
  }
  for (const name of namesOfFiles) refuseUnexpanded(name, environment[name] ?? '')
  return environment
}

/**
 * A reference that a shell, a compose file or a pipeline was to replace, and nobody did.
 * @throws Failure, which names the reference alone
 */
export function refuseUnexpanded(name: string, value: string): void {
  const [reference] = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/.exec(value) ?? []
  if (reference === undefined) return
  throw new Failure('settings_invalid', {
    what: `${name} contains ${reference}, which was not replaced.`,
    why: 'A reference to a variable is replaced by the shell or the program that sets it; millrace and .env do not do that.',
    fix: `Write the value itself. If ${name} is set in a shell, do not put it in single quotes.`,
  })
}

/** Only the variables that are millrace's settings. */
export function settingsOnly(environment: Environment): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const name of settingNames) {
    const value = environment[name]
    if (value !== undefined) settings[name] = value
  }
  return settings
}
