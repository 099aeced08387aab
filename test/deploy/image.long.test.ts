import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { claimablePort } from '@millrace/cli/ports'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { expect, onTestFinished, test, vi } from 'vitest'
import { toolsOf } from '../servers/debian-tools.ts'
import { hasDebianPackages } from '../servers/debian-packages.ts'
import { workspaceRoot } from '../workspace.ts'
import { healthCheck } from './dockerfile.ts'
import { nodeImageFiles, npmFiles } from './node-image.ts'

/** The Dockerfile built by buildah, on a stand-in for its base, and run by the runtime that podman and CRI-O use. */

const run = promisify(execFile)
const buildMilliseconds = 1_200_000

interface ImageConfig {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly WorkingDir: string
}

interface Inspected {
  readonly Docker: { readonly config: ImageConfig; readonly rootfs: { readonly diff_ids: readonly string[] } }
}

/** What the build reads, as a checkout has it whose owner keeps files for themselves. */
async function checkOut(folder: string): Promise<string> {
  const listed = ['ls-files', '-z', '-co', '--exclude-standard']
  const { stdout } = await run('git', listed, { cwd: workspaceRoot, maxBuffer: 10_000_000 })
  for (const file of stdout.split('\0').filter((name) => name !== '' && existsSync(join(workspaceRoot, name)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(workspaceRoot, file), join(folder, file))
  }
  await run('chmod', ['-R', 'go=', folder])
  return folder
}

test(
  'the image is built with the same layers twice, and serves read-only, without rights, as its user',
  { timeout: buildMilliseconds },
  async (context) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0)
      context.skip('Only root on Linux can run a container here.')
    if (!hasDebianPackages())
      context.skip('The stand-in for the base is made of Debian packages, which need apt-get and dpkg.')
    const tools = toolsOf(context, 'buildah', 'crun')
    const work = mkdtempSync(join(tmpdir(), 'millrace-built-'))
    chmodSync(work, 0o755)
    const env = { ...process.env, ...tools, HOME: work, CONTAINERS_REGISTRIES_CONF: join(work, 'registries.conf') }
    mkdirSync(join(work, '.config/containers'), { recursive: true })
    writeFileSync(join(work, '.config/containers/policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}\n')
    writeFileSync(join(work, 'registries.conf'), '')
    const store = ['--root', join(work, 'store'), '--runroot', join(work, 'run'), '--storage-driver', 'vfs']
    const buildah = async (...args: readonly string[]): Promise<string> => {
      const { stdout } = await run('buildah', [...store, ...args], { env, cwd: work, maxBuffer: 50_000_000 })
      return stdout.trim()
    }
    onTestFinished(async () => {
      await buildah('rm', '--all')
      await run('rm', ['-rf', work])
    }, buildMilliseconds)

    const base = await buildah('from', 'scratch')
    await buildah('copy', '--quiet', base, nodeImageFiles(), '/')
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    const certificates = process.env['NODE_EXTRA_CA_CERTS']
    const trusted = certificates === undefined ? [] : ['--env', `NODE_EXTRA_CA_CERTS=${certificates}`]
    await buildah('config', '--env', path, ...trusted, base)
    await buildah('commit', '--quiet', base, 'localhost/node')

    const home = process.env['HOME'] ?? '/root'
    const volumes = npmFiles(home).map((file) => `--volume=${file}:${file.replace(home, '/root')}:ro`)
    const build = async (tag: string, checkout: string): Promise<Inspected> => {
      const files = ['--file', join(checkout, 'deploy/Dockerfile')]
      const ignored = ['--ignorefile', join(checkout, 'deploy/Dockerfile.dockerignore')]
      const alike = ['--no-cache', '--timestamp', '0', '--format', 'docker', '--isolation', 'chroot']
      const named = ['--build-arg', 'NODE_IMAGE=localhost/node', '--tag', tag]
      await buildah('build', ...files, ...ignored, ...alike, ...named, ...volumes, checkout)
      return JSON.parse(await buildah('inspect', '--type', 'image', tag)) as Inspected
    }
    const first = await build('localhost/millrace:first', workspaceRoot)
    const second = await build('localhost/millrace:second', await checkOut(join(work, 'checkout')))
    expect(second.Docker.rootfs.diff_ids).toEqual(first.Docker.rootfs.diff_ids)

    const { config } = second.Docker
    const root = await buildah('mount', await buildah('from', 'localhost/millrace:second'))
    expect(existsSync(join(root, 'usr/local/bin/npm'))).toBe(false)
    const { stdout: kibibytes } = await run('du', ['-sk', join(root, 'app')])
    expect(Number.parseInt(kibibytes, 10)).toBeLessThan(25_000)

    // A named volume that is new has the owner and mode of the folder in the image.
    const data = join(work, 'data')
    cpSync(join(root, 'data'), data, { recursive: true })
    await run('chown', ['--reference', join(root, 'data'), data])
    await run('chmod', ['--reference', join(root, 'data'), data])
    // Where the machine has groups of both versions, crun refuses to start: it sees those of version 1 alone.
    const alone = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun "$@"'
    const unshared = ['--mount', '--propagation', 'private', 'sh', '-c', alone, 'crun']
    const crun = [...unshared, '--root', join(work, 'crun'), '--cgroup-manager=disabled']
    const settings = Object.entries({ ...newServiceSecrets(), DATABASE_URL: 'sqlite:////data/workflows.db' })
    const start = (id: string, args: readonly string[]) => {
      const bundle = join(work, id)
      mkdirSync(bundle)
      const specification = runtimeSpecification(config, {
        root,
        data,
        args,
        env: settings.map((pair) => pair.join('=')),
      })
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(specification))
      const child = spawn('unshare', [...crun, 'run', '--bundle', bundle, id], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let said = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
      onTestFinished(() => void child.kill('SIGKILL'))
      return { ended: once(child, 'close').then(() => child.exitCode), said: () => said }
    }
    const exec = async (...args: readonly string[]) => {
      try {
        return {
          ...(await run('unshare', [...crun, 'exec', '--user', config.User, '--no-new-privs', 'serve', ...args], {
            env,
          })),
          failed: false,
        }
      } catch (error) {
        return { stdout: '', stderr: String(error), failed: true }
      }
    }

    const migrate = start('migrate', ['migrate'])
    expect(await migrate.ended, migrate.said()).toBe(0)
    const port = await claimablePort('127.0.0.1', 0, '--port')
    const serve = start('serve', ['serve', '--host', '0.0.0.0', '--port', String(port), '--grace', '5'])
    onTestFinished(async () => {
      await run('unshare', [...crun, 'delete', '--force', 'serve'], { env })
    })
    const check = ['node', ...healthCheck(port)]
    await vi.waitFor(async () => expect((await exec(...check)).failed, serve.said()).toBe(false), {
      timeout: 60_000,
      interval: 300,
    })
    for (const path of ['/readyz', '/docs', '/console', '/openapi.json']) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status, path).toBe(200)
    }
    const { stdout: status } = await exec('cat', '/proc/1/status')
    for (const fact of [/^Uid:\s+10001\s/m, /^CapEff:\s+0+$/m, /^CapBnd:\s+0+$/m, /^NoNewPrivs:\s+1$/m]) {
      expect(status).toMatch(fact)
    }
    for (const place of ['/app/x', '/etc/x', '/usr/local/bin/x'])
      expect(await exec('touch', place)).toMatchObject({ failed: true })
    for (const args of [
      ['migrate', 'status'],
      ['backup', '--out', '/data/a.millrace'],
      ['verify', '/data/a.millrace'],
      ['drill', '/data/a.millrace'],
    ]) {
      expect(await exec('millrace', ...args), args.join(' ')).toMatchObject({ failed: false })
    }
    await run('unshare', [...crun, 'kill', 'serve', 'SIGTERM'], { env })
    expect(await serve.ended, serve.said()).toBe(143)
  },
)

interface Contained {
  readonly root: string
  readonly data: string
  readonly args: readonly string[]
  readonly env: readonly string[]
}

/** As deploy/compose and deploy/kubernetes-serve have it. https://github.com/opencontainers/runtime-spec/blob/main/config.md */
function runtimeSpecification(config: ImageConfig, { root, data, args, env }: Contained): object {
  const [uid, gid] = config.User.split(':').map(Number)
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      args: [...config.Entrypoint, ...args],
      env: [...config.Env, ...env],
      cwd: config.WorkingDir,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: true,
    },
    root: { path: root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'mode=1777'] },
      { destination: '/data', type: 'bind', source: data, options: ['rbind', 'rw'] },
    ],
    // The network is the machine's: the test asks it on loopback.
    linux: { namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
  }
}
