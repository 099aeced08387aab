import { defineConfig, type OxlintOverride } from 'oxlint'

/**
 * Who may import what: the floors of the house as lint errors (docs/architecture.md). Data's way is one street,
 * request → route → service → repository → Store → driver → database, and nothing imports a floor above its own.
 *
 * `no-restricted-imports` of a later override replaces that of an earlier one, so each room names all that it refuses.
 */
interface ForbiddenImport {
  readonly regex: string
  readonly message: string
  readonly allowTypeImports?: boolean
}

const drivers: ForbiddenImport = {
  regex: '^(@neondatabase|@planetscale|@libsql)/',
  message: 'The HTTP drivers live in packages/drivers: go through the Store.',
}
const dialectDrizzle: ForbiddenImport = {
  regex: '^drizzle-orm/.*(neon|planetscale|libsql|sqlite|pg|postgres|mysql|mysql2|d1|singlestore|gel)',
  message: 'What drizzle has for one database lives in packages/db/src/dialects: use a column kit or a capability.',
}
const drizzle: ForbiddenImport = {
  regex: '^drizzle-(orm|kit)(/|$)',
  message: 'SQL is built in packages/db/src/repositories: call a repository.',
}
const tcpDrivers: ForbiddenImport = {
  regex: '^((pg|pg-.+|mysql2|libsql|better-sqlite3|mariadb|postgres)(/.*)?|node:sqlite)$',
  message:
    'Connections over TCP or to a file live in packages/drivers/src/native and hyperdrive: everyone else asks for a Database.',
}
const node: ForbiddenImport = {
  regex: '^node:|^(assert|buffer|crypto|events|fs|http|https|net|os|path|process|stream|tls|url|util|zlib)(/|$)',
  message: 'This runs in workerd, without Node: use Web APIs.',
}
const hono: ForbiddenImport = { regex: '^(hono|@hono)(/|$)', message: 'HTTP ends in the routes of packages/api.' }
const zod: ForbiddenImport = { regex: '^zod(/|$)', message: 'Requests are parsed in the routes of packages/api.' }
const dialects: ForbiddenImport = {
  regex: '(^|/)dialects(/|$)',
  message:
    'A dialect is known by its capabilities alone: only its driver and schema-wide tools of packages/db open that room.',
}
const storeValues: ForbiddenImport = {
  regex: '^@millrace/db/(store/(store|database)|sql/(transport|building))$',
  allowTypeImports: true,
  message: 'Only repositories call the Store: take its type, and hand it to one.',
}
const insides: ForbiddenImport = {
  regex: '^\\.{1,2}/.*(^|/)src/',
  message: 'Another package is imported by its name (@millrace/…), never by its folder.',
}
const packages = (...names: readonly string[]): ForbiddenImport => ({
  regex: `^@millrace/(${names.join('|')})(/|$)`,
  message:
    'Nothing goes up a floor: functions and cli know api and gateway, these know drivers and db, drivers know db, db knows none of them.',
})

/** Rooms of packages/db, named from another of its rooms. */
const rooms = (...names: readonly string[]): ForbiddenImport => ({
  regex: `^(\\.\\./)+(${names.join('|')})/`,
  message:
    'This room of packages/db stands below the one that it imports: see the table of rooms in docs/architecture.md.',
})
/** The kit and the builder are types that the schema and the statements are written in. */
const dialectTypesAlone: ForbiddenImport = { ...dialects, allowTypeImports: true }

const typesAlone: ForbiddenImport = {
  regex: '^@millrace/',
  allowTypeImports: true,
  message: 'The client runs wherever fetch does: of the other packages it takes types alone.',
}

const beyondClient: ForbiddenImport = {
  regex: '^@millrace/((api|cli|db|drivers|functions|gateway)(/|$)|client/)',
  allowTypeImports: true,
  message: 'The console speaks the public API through the client: of the other packages it takes types alone.',
}

const room = (files: string, ...patterns: readonly ForbiddenImport[]): OxlintOverride => ({
  files: [files],
  rules: { 'no-restricted-imports': ['error', { patterns: [insides, ...patterns] }] },
})

const workerOnly = [tcpDrivers, node]
const dbRefusals = [...workerOnly, hono, zod, packages('drivers', 'api', 'gateway', 'cli', 'functions')]
const apiRefusals = [
  ...workerOnly,
  drivers,
  drizzle,
  dialects,
  storeValues,
  packages('drivers', 'gateway', 'cli', 'functions'),
]

/** What rests on the Store, and the Store. */
const upperRooms = ['store', 'repositories', 'migrate', 'archive', 'checklist']
const dbRoom = (name: string, ...refusals: readonly ForbiddenImport[]): OxlintOverride =>
  room(`packages/db/src/${name}/**`, ...dbRefusals, drivers, dialectDrizzle, ...refusals)

const withoutNode = (refusals: readonly ForbiddenImport[]): readonly ForbiddenImport[] =>
  refusals.filter((refusal) => refusal !== node)

export const boundaries = [
  room('packages/db/src/**', ...dbRefusals, drivers, dialectDrizzle),
  dbRoom('document', rooms('sql', 'url', ...upperRooms, 'access'), dialects),
  dbRoom('url', rooms('sql', 'document', ...upperRooms, 'access'), dialects),
  dbRoom('schema', rooms('sql', 'document', 'url', ...upperRooms, 'access'), dialectTypesAlone),
  dbRoom('sql', rooms('document', 'url', ...upperRooms, 'access'), dialectTypesAlone),
  dbRoom('access', rooms('url', ...upperRooms), dialects),
  dbRoom('store', rooms('url', 'repositories', 'migrate', 'archive', 'checklist'), dialects),
  dbRoom('repositories', rooms('url', 'migrate', 'archive', 'checklist'), dialects),
  dbRoom('migrate', rooms('access', 'repositories', 'archive', 'checklist')),
  dbRoom('archive', rooms('repositories', 'checklist')),
  room('packages/db/src/dialects/**', ...dbRefusals, drivers, rooms('access', 'store', 'repositories')),
  room('packages/drivers/src/**', ...workerOnly, drizzle, hono, zod, packages('api', 'gateway', 'cli', 'functions')),
  // What pools in Node and connections in workerd share, and the latter: no Node beside what their libraries bring.
  room(
    'packages/drivers/src/tcp/**',
    node,
    drivers,
    drizzle,
    hono,
    zod,
    packages('api', 'gateway', 'cli', 'functions'),
  ),
  room(
    'packages/drivers/src/hyperdrive/**',
    node,
    drivers,
    drizzle,
    hono,
    zod,
    packages('api', 'gateway', 'cli', 'functions'),
  ),
  room('packages/drivers/src/native/**', drivers, drizzle, hono, zod, packages('api', 'gateway', 'cli', 'functions')),
  room('packages/api/src/**', ...apiRefusals),
  room('packages/api/src/services/**', ...apiRefusals, hono),
  room('functions/src/**', ...workerOnly, drivers, drizzle, dialects, packages('gateway', 'cli')),
  room('packages/server/src/**', drivers, drizzle, tcpDrivers, dialects, packages('gateway', 'cli', 'functions')),
  room('packages/gateway/src/**', drivers, drizzle, dialects, hono, packages('api', 'cli', 'functions')),
  room('packages/cli/src/**', drivers, drizzle, tcpDrivers, dialects, hono, packages('functions')),
  room('packages/client/src/**', ...workerOnly, drivers, drizzle, zod, typesAlone),
  room('packages/client/src/**/*.test.ts', tcpDrivers, drivers, drizzle, zod, typesAlone),
  room('packages/console/src/**', ...workerOnly, drivers, drizzle, hono, zod, beyondClient),
  // Tests beside the source of workerd's rooms run in Node.
  room('packages/db/src/**/*.test.ts', ...withoutNode(dbRefusals), drivers, dialectDrizzle),
  room('packages/api/src/**/*.test.ts', ...withoutNode(apiRefusals)),
  // The gateway's own tests prove it with the unmodified drivers.
  room('packages/gateway/src/**/*.test.ts', drizzle, dialects, hono, packages('api', 'cli', 'functions')),
]

export default defineConfig({
  categories: { correctness: 'off' },
  overrides: boundaries,
  ignorePatterns: ['**/node_modules', '**/.tsbuild'],
})
