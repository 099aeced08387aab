import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheDirectory, downloads, unpackArchives, unpackPackages } from '../servers/debian-packages.ts'

/** What a shell, Node and the Dockerfile's steps need of Debian, with whatever these depend on. */
const packages = ['coreutils', 'dash', 'findutils', 'libstdc++6']

/** The root of a file system that stands in for the image `node`, which cannot be had here: Debian's packages, this Node, and npm. */
export function nodeImageFiles(): string {
  const root = join(cacheDirectory, `node-image-${process.version}-${process.arch}`)
  if (existsSync(root)) return root
  unpackPackages(root, (apt, work, target) => {
    // As on a machine that has no package yet, so that all come.
    writeFileSync(join(work, 'status'), '')
    const nothing = ['-o', `Dir::State::status=${join(work, 'status')}`]
    apt(...nothing, 'install', '--yes', '--no-install-recommends', '--download-only', ...packages)
    unpackArchives(join(work, downloads), target)
    addNode(target)
  })
  return root
}

/** Where the image `node` has them. */
function addNode(root: string): void {
  const mounted = ['dev', 'proc', 'sys', 'tmp']
  for (const folder of [
    ...mounted,
    'etc',
    'root',
    'usr/local/bin',
    'usr/local/lib/node_modules',
    'opt/yarn-v1.22.22',
  ]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
  cpSync(realpathSync(process.execPath), join(root, 'usr/local/bin/node'))
  // A Node from a package has none of its own.
  const program = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
  const npm = join(dirname(realpathSync(program)), '..')
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true })
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name))
  }
}

/** How this machine reaches packages: files to lay over those of a container, which no image keeps. */
export function npmFiles(home: string): readonly string[] {
  const certificates = process.env['NODE_EXTRA_CA_CERTS']
  return [join(home, '.npmrc'), ...(certificates === undefined ? [] : [certificates])].filter(isFile)
}

function isFile(path: string): boolean {
  try {
    return readFileSync(path).length >= 0
  } catch {
    // Not there, or not to be read.
    return false
  }
}
