import type { Command } from 'commander'
import type { Context } from './context.ts'

/** Wraps a command's work: gives it the context, and keeps the exit code that it resolves to. */
export type RunAction = (work: (context: Context) => Promise<number>) => Promise<void>

/** A command adds itself to its parent. */
export type AddCommand = (parent: Command, run: RunAction) => void
