import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from '@millrace/db/url'
import type { Context } from '../context.ts'

export type D1Target = Extract<Target, { readonly via: 'd1' }>

/** Where `millrace dev` keeps what wrangler keeps, and so its D1, unless another folder is given to it with --state. */
export const defaultStateDirectory = '.millrace'

/** The folder within a state directory that wrangler is given with --persist-to. */
export function wranglerState(stateDirectory: string): string {
  return join(stateDirectory, 'wrangler')
}

/** Whether it is a local one that nobody has made yet. */
export function isMissingD1({ directories }: Context, { databaseId }: D1Target): boolean {
  const state = wranglerState(join(directories.caller, defaultStateDirectory))
  return databaseId === undefined && !existsSync(join(state, 'v3/d1'))
}
