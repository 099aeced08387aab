import { createDatabase, type Database, type DatabaseOptions } from '@millrace/db/store/database'
import type { Connection } from '@millrace/db/sql/transport'
import type { Target } from '@millrace/db/url'
import { openDatabase } from '../open.ts'
import type { ConnectionLog } from './log.ts'
import { withinLimits } from '../within-limits.ts'
import type { NativeOptions, SqliteFileOptions } from './pooled.ts'

export interface NativeDatabaseSettings extends DatabaseOptions {
  readonly target: Target
  /** How long one round trip may take; 30 when absent. */
  readonly timeoutSeconds?: number | undefined
  /** Told of connections that fail; silent when absent. */
  readonly log?: ConnectionLog | undefined
  /** How a SQLite file is opened. */
  readonly file?: SqliteFileOptions | undefined
}

/** A target that a driver of this process reaches by TCP or as a file. */
export type NativeTarget = Target & { readonly via: 'file' | 'gateway' }

export function isNative(target: Target): target is NativeTarget {
  return target.via === 'file' || target.via === 'gateway'
}

/**
 * Opens a database by a driver in this process: a file or a server by its native one, a platform by its HTTP driver.
 * @throws SqliteFailure where the file can't be opened, TlsFileError where `ssl_ca` can't be read
 */
export async function openNativeDatabase(settings: NativeDatabaseSettings): Promise<Database> {
  const { target, timeoutSeconds = 30, log = () => undefined, file } = settings
  if (!isNative(target)) return openDatabase({ ...settings, target })
  return createDatabase(await connectNative(target, { timeoutSeconds, log, file }), settings)
}

export async function connectNative(target: NativeTarget, options: NativeOptions): Promise<Connection> {
  return withinLimits(await loaded(target, options))
}

async function loaded(target: NativeTarget, options: NativeOptions): Promise<Connection> {
  switch (target.dialect) {
    case 'sqlite':
      return (await import('./sqlite.ts')).connect(target, options.file)
    case 'postgres':
      return (await import('./postgres.ts')).connect(target, options)
    case 'mysql':
      return (await import('./mysql.ts')).connect(target, options)
  }
}
