import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Directories } from './directories.ts'
import { Failure } from './failure.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The variables of CLI.md's "Environment": each can stand in a file that `NAME_FILE` names. */
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
] as const

export type SettingName = (typeof settingNames)[number]

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
])

function withoutEmpty(variables: Environment): Record<string, string> {
  const present: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && value !== '') present[name] = value
  }
  return present
}

function readDotEnv(directories: Directories): Environment {
  const file = [directories.caller, directories.workspace]
    .map((directory) => join(directory, '.env'))
    .find((path) => existsSync(path))
  if (file === undefined) return {}
  try {
    return parseEnv(readFileSync(file, 'utf8'))
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
    return readFileSync(resolve(callerDirectory, path), 'utf8').replace(/\r?\n$/, '')
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
  for (const name of settingNames) {
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
export function loadEnvironment(processVariables: Environment, directories: Directories): Environment {
  return {
    ...withMountedFiles(readDotEnv(directories), directories.caller),
    ...withMountedFiles(processVariables, directories.caller),
  }
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
