import type { DatabaseBindings } from '@millrace/api/settings'
import type { Target } from '@millrace/db/url'
import { bindingClient } from '@millrace/drivers/d1/binding'
import { isD1Binding, type D1Client } from '@millrace/drivers/d1/client'

type Bindings = Readonly<Record<string, unknown>>

/** The Worker's bindings of D1 and Hyperdrive, told from others by what they can do. */
export function databaseBindings(env: Bindings): DatabaseBindings {
  return {
    hasD1: (binding) => isD1Binding(env[binding]),
    hyperdrive: (binding) => connectionStringOf(env[binding]),
  }
}

/** The way to a target that is a D1 database. */
export function d1Of(target: Target, env: Bindings): D1Client | undefined {
  const binding = target.via === 'd1' ? env[target.binding] : undefined
  return isD1Binding(binding) ? bindingClient(binding) : undefined
}

function connectionStringOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('connectionString' in value)) return undefined
  return typeof value.connectionString === 'string' ? value.connectionString : undefined
}
