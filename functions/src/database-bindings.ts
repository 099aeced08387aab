import type { DatabaseBindings } from '@millrace/api/settings'
import type { HyperdriveBinding, Target } from '@millrace/db/url'
import { bindingClient } from '@millrace/drivers/d1/binding'
import { isD1Binding, type D1Client } from '@millrace/drivers/d1/client'

type Bindings = Readonly<Record<string, unknown>>

/** The Worker's bindings of D1 and Hyperdrive, told from others by what they can do. */
export function databaseBindings(env: Bindings): DatabaseBindings {
  return {
    hasD1: (binding) => isD1Binding(env[binding]),
    hyperdrive: (binding) => hyperdriveOf(env[binding]),
  }
}

/** The way to a target that is a D1 database. */
export function d1Of(target: Target, env: Bindings): D1Client | undefined {
  const binding = target.via === 'd1' ? env[target.binding] : undefined
  return isD1Binding(binding) ? bindingClient(binding) : undefined
}

function hyperdriveOf(value: unknown): HyperdriveBinding | undefined {
  if (typeof value !== 'object' || value === null || !('connectionString' in value)) return undefined
  const text = (name: string): string => {
    const member: unknown = Reflect.get(value, name)
    return typeof member === 'string' ? member : ''
  }
  return {
    connectionString: text('connectionString'),
    host: text('host'),
    port: Number(Reflect.get(value, 'port')),
    database: text('database'),
    user: text('user'),
    password: text('password'),
  }
}
