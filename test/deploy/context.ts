import { readFileSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { workspaceRoot } from '../workspace.ts'

const ignoreFile = readFileSync(join(workspaceRoot, 'deploy/Dockerfile.dockerignore'), 'utf8')
const rules = ignoreFile.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

/** Whether the build of the image sees a file of the workspace: by the last rule that names it or a folder above it. */
export function isInContext(path: string): boolean {
  const last = rules.findLast((rule) => {
    const pattern = rule.replace(/^!/, '')
    // `*` leaves out names with a dot in Node, not in Docker.
    return pattern === '*' || matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`)
  })
  return last === undefined || last.startsWith('!')
}
