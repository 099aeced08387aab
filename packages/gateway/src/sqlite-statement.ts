import { sqliteTokens, type SqliteToken } from './sqlite-tokens.ts'

export interface SqliteStatement {
  readonly sql: string
  /** An INSERT, UPDATE, DELETE or REPLACE, a WITH in front or not. */
  readonly isChange: boolean
  readonly isInsert: boolean
  /** Needs the database's write lock: changes, DDL, BEGIN IMMEDIATE, and PRAGMAs that write. */
  readonly isWrite: boolean
  readonly isBegin: boolean
  readonly isExplain: boolean
  readonly isReadonly: boolean
  /** Ends a transaction as a whole by undoing it. */
  readonly isRollback: boolean
  /** True when the connection may be left other than it was: a PRAGMA. */
  readonly touchesConnection: boolean
  /** Parameters in SQLite's order: index 0 is number 1. Undefined for one without a name. */
  readonly parameters: readonly (string | undefined)[]
}

export type SplitSql =
  | { readonly ok: true; readonly statements: readonly SqliteStatement[] }
  /** A statement that sqld does not take, because it reaches beyond the database or changes the connection. */
  | { readonly ok: false; readonly unsupported: string }

/** Splits an SQL text into its statements and says of each what the protocol has to know before it runs. */
export function splitSqlite(sql: string): SplitSql {
  const statements: SqliteStatement[] = []
  for (const tokens of statementTokens(sql)) {
    const statement = describe(sql, tokens)
    if (statement === undefined) return { ok: false, unsupported: firstWord(tokens) }
    statements.push(statement)
  }
  return { ok: true, statements }
}

/** The tokens of each statement. In a trigger's body a semicolon ends nothing, until `; END ;`: as sqlite3_complete(). */
function statementTokens(sql: string): readonly (readonly SqliteToken[])[] {
  const all: SqliteToken[][] = []
  let current: SqliteToken[] = []
  for (const token of sqliteTokens(sql)) {
    if (token.kind !== 'semicolon' || isInsideTrigger(current)) {
      current.push(token)
      continue
    }
    if (current.length > 0) all.push(current)
    current = []
  }
  if (current.length > 0) all.push(current)
  return all
}

function isInsideTrigger(tokens: readonly SqliteToken[]): boolean {
  if (!isTrigger(tokens)) return false
  const last = tokens.at(-1)
  return !(last?.text === 'END' && tokens.at(-2)?.kind === 'semicolon')
}

function isTrigger(tokens: readonly SqliteToken[]): boolean {
  const words = tokens.slice(0, 6).map((token) => (token.kind === 'word' ? token.text : ''))
  const at = words.indexOf('CREATE')
  if (at === -1 || words.slice(0, at).some((word) => !['EXPLAIN', 'QUERY', 'PLAN'].includes(word))) return false
  const next = words[at + 1] ?? ''
  return next === 'TRIGGER' || ((next === 'TEMP' || next === 'TEMPORARY') && words[at + 2] === 'TRIGGER')
}

function describe(source: string, tokens: readonly SqliteToken[]): SqliteStatement | undefined {
  const sql = source.slice(tokens[0]?.start ?? 0, tokens.at(-1)?.end ?? 0)
  const isExplain = firstWord(tokens) === 'EXPLAIN'
  const body = isExplain ? afterExplain(tokens) : tokens
  const verb = verbOf(body)
  if (!isExplain && isUnsupported(verb, body)) return undefined
  const isChange = !isExplain && changes.has(verb)
  const isWrite =
    !isExplain && (isChange || writes.has(verb) || isWritingPragma(verb, body) || isBeginWrite(verb, body))
  return {
    sql,
    isChange,
    isInsert: isChange && (verb === 'INSERT' || verb === 'REPLACE'),
    isWrite,
    isBegin: verb === 'BEGIN' && !isExplain,
    isExplain,
    isReadonly: isExplain || !(isWrite || verb === 'PRAGMA' || verb === ''),
    isRollback: verb === 'ROLLBACK' && !isExplain && !body.some((token) => token.text === 'TO'),
    touchesConnection: verb === 'PRAGMA' && !isExplain,
    parameters: parametersOf(tokens),
  }
}

const changes: ReadonlySet<string> = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE'])
const writes: ReadonlySet<string> = new Set(['CREATE', 'DROP', 'ALTER'])

function firstWord(tokens: readonly SqliteToken[]): string {
  const [first] = tokens
  return first?.kind === 'word' ? first.text : ''
}

function afterExplain(tokens: readonly SqliteToken[]): readonly SqliteToken[] {
  return tokens[1]?.text === 'QUERY' && tokens[2]?.text === 'PLAN' ? tokens.slice(3) : tokens.slice(1)
}

const afterWith: ReadonlySet<string> = new Set(['SELECT', 'VALUES', ...changes])

/** The statement's kind by its word; after WITH that is the first such word outside of parentheses. */
function verbOf(tokens: readonly SqliteToken[]): string {
  const first = firstWord(tokens)
  if (first !== 'WITH') return first
  let depth = 0
  for (const token of tokens) {
    if (token.kind === 'open') depth += 1
    else if (token.kind === 'close') depth -= 1
    else if (depth === 0 && token.kind === 'word' && afterWith.has(token.text)) return token.text
  }
  return first
}

const beyondTheDatabase: ReadonlySet<string> = new Set(['ATTACH', 'VACUUM', 'ANALYZE', 'REINDEX'])

/** What sqld refuses: libsql-server/src/query_analysis.rs, `StmtKind::kind`. */
function isUnsupported(verb: string, tokens: readonly SqliteToken[]): boolean {
  if (beyondTheDatabase.has(verb)) return true
  if (verb === 'CREATE') return isTemporary(tokens)
  return verb === 'PRAGMA' && !isAllowedPragma(tokens)
}

/** `CREATE TEMP …`, and `CREATE TABLE temp.…`: they would live on one connection of the pool. */
function isTemporary(tokens: readonly SqliteToken[]): boolean {
  const words = tokens.slice(1, 8).map((token) => token.text.replaceAll(/["'`[\]]/gu, '').toUpperCase())
  if (words[0] === 'TEMP' || words[0] === 'TEMPORARY') return true
  return words.some((word, index) => (word === 'TEMP' || word === 'TEMPORARY') && words[index + 1] === '.')
}

const pragmasAlways: ReadonlySet<string> = new Set(
  `table_list index_list table_info table_xinfo index_info index_xinfo pragma_list compile_options database_list
  function_list module_list encoding defer_foreign_keys foreign_keys foreign_key_list foreign_key_check collation_list
  data_version freelist_count integrity_check legacy_file_format page_count quick_check stats user_version`
    .toUpperCase()
    .split(/\s+/u),
)

const pragmasToRead: ReadonlySet<string> = new Set(
  `analysis_limit application_id auto_vacuum automatic_index busy_timeout cache_size cache_spill cell_size_check
  checkpoint_fullfsync fullfsync hard_heap_limit journal_mode journal_size_limit legacy_alter_table locking_mode
  max_page_count mmap_size page_size query_only read_uncommitted recursive_triggers reverse_unordered_selects
  schema_version secure_delete soft_heap_limit synchronous temp_store threads trusted_schema wal_autocheckpoint`
    .toUpperCase()
    .split(/\s+/u),
)

function isAllowedPragma(tokens: readonly SqliteToken[]): boolean {
  const { name, hasArgument } = pragmaOf(tokens)
  return pragmasAlways.has(name) || (!hasArgument && pragmasToRead.has(name))
}

function pragmaOf(tokens: readonly SqliteToken[]): { readonly name: string; readonly hasArgument: boolean } {
  const at = tokens[2]?.kind === 'dot' ? 3 : 1
  return { name: tokens[at]?.text.toUpperCase() ?? '', hasArgument: tokens.length > at + 1 }
}

function isWritingPragma(verb: string, tokens: readonly SqliteToken[]): boolean {
  if (verb !== 'PRAGMA') return false
  const { name, hasArgument } = pragmaOf(tokens)
  return name === 'USER_VERSION' && hasArgument
}

function isBeginWrite(verb: string, tokens: readonly SqliteToken[]): boolean {
  return verb === 'BEGIN' && (tokens[1]?.text === 'IMMEDIATE' || tokens[1]?.text === 'EXCLUSIVE')
}

/** Numbers as SQLite gives them: https://www.sqlite.org/lang_expr.html#parameters */
function parametersOf(tokens: readonly SqliteToken[]): readonly (string | undefined)[] {
  const names: (string | undefined)[] = []
  for (const { kind, text } of tokens) {
    if (kind !== 'parameter') continue
    if (text === '?') names.push(undefined)
    else if (text.startsWith('?')) placeNumbered(names, text)
    else if (!names.includes(text)) names.push(text)
  }
  return names
}

/** SQLite's own limit, SQLITE_MAX_VARIABLE_NUMBER; beyond it the statement fails when it is prepared. */
const maxParameterNumber = 32_766

function placeNumbered(names: (string | undefined)[], text: string): void {
  const number = Number(text.slice(1))
  if (number < 1 || number > maxParameterNumber) return
  while (names.length < number) names.push(undefined)
  names[number - 1] ??= text
}
