import type { Directories } from './directories.ts'
import type { Environment } from './environment.ts'
import type { Lifetime } from './lifetime.ts'
import type { Output } from './output.ts'

/** What every command gets: its voice, its place, its settings, its end. */
export interface Context {
  readonly output: Output
  readonly directories: Directories
  readonly lifetime: Lifetime
  /** Read when first asked for, so that a command without settings does not fail on them. */
  environment(): Environment
}
