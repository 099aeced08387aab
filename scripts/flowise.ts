import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** A workflow definition from the field. */
export interface Sample {
  readonly path: string
  readonly name: string
  /** The file's text without the white space around it. */
  readonly text: string
}

/** Named, so that every machine takes the same 64 files: npm picks a version by the Node that runs it. */
const archiveName = 'flowise@3.1.2'

const cache = join(dirname(import.meta.dirname), '.cache', archiveName)

/** The 64 definitions that the npm package `flowise` ships in its `marketplaces` folders, fetched once into a cache. */
export function flowiseSamples(say: (words: string) => void = () => undefined): readonly Sample[] {
  const folder = join(cache, 'package/marketplaces')
  if (!existsSync(folder)) unpack(say)
  return globSync('**/*.json', { cwd: folder })
    .toSorted()
    .map((file) => ({
      path: join(folder, file),
      name: basename(file, '.json'),
      text: readFileSync(join(folder, file), 'utf8').replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''),
    }))
}

/** Unpacked beside and renamed, so that an interrupted run leaves nothing that looks whole. */
function unpack(say: (words: string) => void): void {
  say(`Fetching ${archiveName} from npm …`)
  const beside = `${cache}.${randomUUID()}`
  mkdirSync(beside, { recursive: true })
  try {
    execFileSync('npm', ['pack', archiveName, '--silent', '--pack-destination', beside], {
      cwd: beside,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [archive] = globSync('*.tgz', { cwd: beside })
    if (archive === undefined) throw new Error('npm pack left no archive')
    execFileSync('tar', ['-xzf', archive, 'package/marketplaces'], { cwd: beside })
    rmSync(join(beside, archive))
    rmSync(cache, { recursive: true, force: true })
    renameSync(beside, cache)
  } finally {
    rmSync(beside, { recursive: true, force: true })
  }
}
