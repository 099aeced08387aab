import type { DatabaseBindings } from '@millrace/api/settings'

/** The Worker's bindings of D1 and Hyperdrive, told from others by what they can do. */
export function databaseBindings(env: Readonly<Record<string, unknown>>): DatabaseBindings {
  return {
    hasD1: (binding) => isD1(env[binding]),
    hyperdrive: (binding) => connectionStringOf(env[binding]),
  }
}

function isD1(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'prepare' in value &&
    typeof value.prepare === 'function' &&
    'batch' in value &&
    typeof value.batch === 'function'
  )
}

function connectionStringOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('connectionString' in value)) return undefined
  return typeof value.connectionString === 'string' ? value.connectionString : undefined
}
