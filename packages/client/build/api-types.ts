import type * as TypeScript from 'typescript-5'
import typescript from 'typescript-5'

type Type = TypeScript.Type

const ts: typeof TypeScript = typescript

/** Types that keep their name; every other one is written in full. */
const named = ['ErrorCode', 'ErrorStatus', 'FieldError', 'ProblemJson', 'Json'] as const

/** What the compiler cannot write in full, since it names itself. */
const json = 'export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }'

/**
 * Writes the API's types as TypeScript that imports nothing from this repository, so that the published package needs
 * nothing from it. The compiler computes them from the contracts that validate requests.
 *
 * @param appTypeFile packages/api/src/app-type.ts
 */
export function writeApiTypes(appTypeFile: string): string {
  const program = ts.createProgram([appTypeFile], {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2024.d.ts'],
    types: ['@cloudflare/workers-types'],
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    noEmit: true,
  })
  const checker = program.getTypeChecker()
  const typeOf = typesOf(program, checker, appTypeFile)
  const write = createWriter(checker, new Map(named.map((name) => [typeOf(name), name])))
  const declarations = named
    .filter((name) => name !== 'Json')
    .map((name) => `export type ${name} = ${write(typeOf(name), { isDeclaration: true })}`)
  return [
    `import type { Hono } from 'hono'`,
    json,
    ...declarations,
    `export type ApiSchema = ${write(typeOf('ApiSchema'))}`,
    `/** Each route of the API, as Hono's typed client calls it. */`,
    `export type AppType = Hono<Record<never, never>, ApiSchema>`,
    '',
  ].join('\n')
}

function typesOf(program: TypeScript.Program, checker: TypeScript.TypeChecker, file: string): (name: string) => Type {
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`${file} cannot be read as a module`)
  const exported = new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]))
  return (name) => {
    const symbol = exported.get(name)
    if (symbol === undefined) throw new Error(`${file} exports no type ${name}`)
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
    return checker.getDeclaredTypeOfSymbol(isAlias ? checker.getAliasedSymbol(symbol) : symbol)
  }
}

type Write = (type: Type, options?: { readonly isDeclaration: boolean }) => string

function createWriter(checker: TypeScript.TypeChecker, names: ReadonlyMap<Type, string>): Write {
  return write

  function write(type: Type, { isDeclaration } = { isDeclaration: false }): string {
    const name = names.get(type)
    if (name !== undefined && !isDeclaration) return name
    if (type.isUnion()) return unionOf(type)
    // Text with a brand, which only the service's own code can make.
    if (type.isIntersection() && type.types.some(isText)) return 'string'
    if (checker.isArrayType(type)) return listOf(type)
    if (type.isIntersection() || (type.flags & ts.TypeFlags.Object) !== 0) return objectOf(type)
    return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)
  }

  function unionOf(type: TypeScript.UnionType): string {
    const booleans = type.types.filter((part) => (part.flags & ts.TypeFlags.BooleanLiteral) !== 0)
    const isBoolean = booleans.length === 2
    const others = type.types.filter((part) => !isBoolean || !booleans.includes(part))
    return [...others.map((part) => write(part)), ...(isBoolean ? ['boolean'] : [])].join(' | ')
  }

  function listOf(type: Type): string {
    const item = checker.getIndexTypeOfType(type, ts.IndexKind.Number)
    const readonly = checker.typeToString(type).startsWith('readonly ') ? 'readonly ' : ''
    return `${readonly}(${item === undefined ? 'unknown' : write(item)})[]`
  }

  function objectOf(type: Type): string {
    const members = checker.getPropertiesOfType(type).map((property) => {
      const mark = (property.flags & ts.SymbolFlags.Optional) === 0 ? '' : '?'
      return `${JSON.stringify(property.name)}${mark}: ${write(checker.getTypeOfSymbol(property))}`
    })
    const indexes = checker
      .getIndexInfosOfType(type)
      .map(({ keyType, type: value }) => `[name: ${checker.typeToString(keyType)}]: ${write(value)}`)
    const all = [...members, ...indexes]
    return all.length === 0 ? 'object' : `{ ${all.join('; ')} }`
  }
}

function isText(type: Type): boolean {
  return (type.flags & ts.TypeFlags.String) !== 0
}
