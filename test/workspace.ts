import { dirname } from 'node:path'

/** The root of the workspace. */
export const workspaceRoot = dirname(import.meta.dirname)
