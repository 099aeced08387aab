import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceRoot } from '../workspace.ts'

const dockerfile = readFileSync(join(workspaceRoot, 'deploy/Dockerfile'), 'utf8').replaceAll(/\\\n\s*/g, '')

/** The arguments of each instruction of that name, in order. */
export function instructions(name: string): string[] {
  return dockerfile
    .split('\n')
    .flatMap((line) => (line.trimStart().startsWith(`${name} `) ? [line.trimStart().slice(name.length + 1)] : []))
}

/** What a step of the Dockerfile says, with folders of the image elsewhere. Other steps would change this machine: none is run whole but one. */
export function stepWith(text: string, folders: Readonly<Record<string, string>>): string {
  const step = instructions('RUN').find((each) => each.startsWith(text))
  if (step === undefined) throw new Error(`the Dockerfile has no step that starts with ${text}`)
  return step.replaceAll(/(?<=\s)\/[a-z]+\b(?=\s|$)/g, (path) => folders[path] ?? path)
}

const isRoot = process.getuid?.() === 0

/** The image's user where the tests run as root; else whoever runs them. */
export const imageUser = isRoot ? { uid: 10_001, gid: 10_001 } : {}

/** The step that makes the folder of data, elsewhere. Only root may give a folder to another user. */
export function dataStep(folder: string): string {
  const step = stepWith('install -d ', { '/data': folder })
  return isRoot ? step : step.replace('-o 10001 -g 10001 ', '')
}

/** What Docker runs to see whether the container is healthy, of a server on another port; without `node`. */
export function healthCheck(port: number): readonly string[] {
  const check = instructions('HEALTHCHECK')[0]?.split(' CMD ')[1] ?? '[]'
  const [, ...args] = JSON.parse(check) as string[]
  return args.map((arg) => arg.replace('8787, 8789', String(port)))
}
