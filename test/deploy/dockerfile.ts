import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceRoot } from '../workspace.ts'

/** There is no Docker engine: what the Dockerfile says is done by hand. */
const dockerfile = readFileSync(join(workspaceRoot, 'deploy/Dockerfile'), 'utf8').replaceAll(/\\\n\s*/g, '')

/** The arguments of each instruction of that name, in order. */
export function instructions(name: string): string[] {
  return dockerfile
    .split('\n')
    .flatMap((line) => (line.trimStart().startsWith(`${name} `) ? [line.trimStart().slice(name.length + 1)] : []))
}

const isRoot = process.getuid?.() === 0

/** The image's user where the tests run as root; else whoever runs them. */
export const imageUser = isRoot ? { uid: 10_001, gid: 10_001 } : {}

/** A shell command of the Dockerfile with its folder of data elsewhere. Only root may give a folder to another user. */
export function withDataIn(folder: string, command: string): string {
  const elsewhere = command.replaceAll(/(?<=\s)\/data\b/g, folder)
  return isRoot ? elsewhere : elsewhere.replace('-o 10001 -g 10001 ', '')
}

/** What Docker runs to see whether the container is healthy, of a server on another port; without `node`. */
export function healthCheck(port: number): readonly string[] {
  const check = instructions('HEALTHCHECK')[0]?.split(' CMD ')[1] ?? '[]'
  const [, ...args] = JSON.parse(check) as string[]
  return args.map((arg) => arg.replace('8787, 8789', String(port)))
}
