import { expect, test } from 'vitest'
import { startingProcesses } from './ancestors.ts'

const table = (commands: Readonly<Record<number, readonly [number, string]>>) => (pid: number) => {
  const entry = commands[pid]
  return entry === undefined ? undefined : { pid, parentPid: entry[0], command: entry[1] }
}

test('a command that a shell started depends on the shell alone', () => {
  const find = table({ 30: [20, '-bash'], 20: [10, 'sshd: ada'], 10: [1, 'sshd'] })
  expect(startingProcesses(30, find)).toEqual([30])
})

test('through the chain of npx and pnpm it depends on each link and on who started npx', () => {
  const find = table({
    70: [60, 'sh -c millrace dev'],
    60: [50, '/home/ada/.npm/_npx/9c/node_modules/pnpm/pnpm dev'],
    50: [40, "sh -c 'pnpm' dev"],
    40: [30, 'npm exec pnpm@12 dev'],
    30: [20, 'python3 harness.py'],
    20: [1, 'init-of-harness'],
  })
  expect(startingProcesses(70, find)).toEqual([70, 60, 50, 40, 30])
})

test('a chain that was cut off ends where it is cut', () => {
  expect(startingProcesses(1, table({}))).toEqual([])
  expect(startingProcesses(70, table({ 70: [1, 'sh -c millrace dev'] }))).toEqual([70])
})
