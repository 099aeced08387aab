import type { Permission } from '@millrace/db/access/access'
import type { Members } from '@millrace/db/document'
import * as z from 'zod'
import type { Answer } from './answer.ts'
import type { ErrorCode } from './errors.ts'
import type { IdempotencyKey } from './request/idempotency.ts'
import type { Incoming } from './request/incoming.ts'
import { readInput } from './request/input.ts'
import type { IfRevision } from './request/preconditions.ts'
import { keepRefusal } from './request/keeping.ts'
import { refusalInOrder, scopeRefusal } from './request/order.ts'
import type { Refused } from './result.ts'
import type { RouteScope } from './scopes.ts'
import type { Context } from './services/context.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Whom a route serves. */
export type Access =
  /** Anyone; the Authorization header is ignored. */
  | { readonly kind: 'open' }
  /** Whoever is logged in; also anonymous callers where the query asks for what is public. */
  | { readonly kind: 'user'; readonly isPublic?: (query: URLSearchParams) => boolean }
  /** Whoever has the permission on the workflow `{id}`; `view` includes anonymous callers where it is public. */
  | {
      readonly kind: 'workflow'
      readonly need: Permission
      /** Where what is asked for needs more than `need`. */
      readonly needFor?: (members: Members) => Permission
      /** Whether that it is public opens nothing of this, to nobody. */
      readonly isPrivate?: boolean
    }
  /** Whoever has the permission on the workflow of the execution `{id}`; `view` includes who started it. */
  | { readonly kind: 'execution'; readonly need: Permission }
  /** Whoever has the permission on the workflow of the schedule `{id}`, other than by its being public. */
  | { readonly kind: 'schedule'; readonly need: 'view' | 'edit' }
  /** Administrators. */
  | { readonly kind: 'admin' }
  /** Whoever has the METRICS_TOKEN; there is nothing where none is configured. */
  | { readonly kind: 'metrics' }

/** What a body must be. */
export interface BodyContract<Body extends z.ZodObject = z.ZodObject> {
  readonly kind: 'none' | 'json' | 'documents'
  readonly schema: Body
  /** Members that are documents: exact text, opaque to the schema. */
  readonly documents: ReadonlySet<string>
  /** Those of the documents in which secrets may stand. */
  readonly secrets: ReadonlySet<string>
  /** A member that is a list of bodies, in which `documents` are members. */
  readonly list: { readonly field: string; readonly mostItems: number } | undefined
  readonly isOptional: boolean
}

interface BodyOptions {
  readonly documents?: readonly string[]
  readonly secrets?: readonly string[]
  readonly list?: BodyContract['list']
  readonly isOptional?: boolean
}

export const noParameters = z.object({})
export const noBody = bodyOf('none', z.object({}), { isOptional: true })

export function jsonBody<Body extends z.ZodObject>(
  schema: Body,
  options: { readonly isOptional?: boolean } = {},
): BodyContract<Body> {
  return bodyOf('json', schema, options)
}

export function documentsBody<Body extends z.ZodObject>(
  schema: Body,
  documents: readonly (keyof z.output<Body> & string)[],
  options: { readonly isOptional?: boolean; readonly secrets?: readonly (keyof z.output<Body> & string)[] } = {},
): BodyContract<Body> {
  return bodyOf('documents', schema, { documents, ...options })
}

/** A body whose member `field` is a list of bodies with documents of their own. */
export function documentsListBody<Body extends z.ZodObject>(
  schema: Body,
  list: { readonly field: keyof z.output<Body> & string; readonly mostItems: number },
  documents: readonly string[],
): BodyContract<Body> {
  return bodyOf('documents', schema, { documents, list })
}

function bodyOf<Body extends z.ZodObject>(
  kind: BodyContract['kind'],
  schema: Body,
  { documents = [], secrets = [], list, isOptional = false }: BodyOptions,
): BodyContract<Body> {
  return { kind, schema, documents: new Set(documents), secrets: new Set(secrets), list, isOptional }
}

/** What a route takes and gives: it validates requests, and the OpenAPI document is written from it. */
export interface RouteContract<
  Path extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodObject = z.ZodObject,
> {
  readonly method: Method
  /** With parameters as OpenAPI writes them: `/v1/workflows/{id}`. */
  readonly path: string
  readonly summary: string
  readonly access: Access
  /** Undefined where no token is looked at. */
  readonly scope: RouteScope | undefined
  readonly pathParameters: Path
  readonly query: Query
  /** Query parameters that may be given more than once: lists in `query`. */
  readonly repeatableQuery?: ReadonlySet<string>
  readonly body: BodyContract<Body>
  /** Whether the body itself is the schema's one document: a merge patch, `application/merge-patch+json` too. */
  readonly isBodyDocument?: boolean
  /** Whether it takes an Idempotency-Key. */
  readonly isIdempotent: boolean
  /** Whether it needs If-Match. */
  readonly isConditional: boolean
  /** Whether it takes If-Match without needing it. */
  readonly mayBeConditional?: boolean
  /** Whether a replica may answer it: a list or a history, which may be some moments old. */
  readonly mayLag?: boolean
  /** Success statuses, and the body of each; null for none. */
  readonly answers: Readonly<Partial<Record<200 | 201 | 202 | 204, z.ZodType | null>>>
  /** What this route refuses with, beyond what its contract implies. */
  readonly refusals: readonly ErrorCode[]
}

/** What of a contract is kept to the letter by its type. */
export interface LiteralContract<
  Verb extends Method = Method,
  Pattern extends string = string,
  Answers extends RouteContract['answers'] = RouteContract['answers'],
  Idempotent extends boolean = boolean,
  Conditional extends boolean = boolean,
  Whole extends boolean = boolean,
  MayBeConditional extends boolean = boolean,
> {
  readonly method: Verb
  readonly path: Pattern
  readonly answers: Answers
  readonly isIdempotent: Idempotent
  readonly isConditional: Conditional
  readonly isBodyDocument?: Whole
  readonly mayBeConditional?: MayBeConditional
}

/** Whence a request comes, as far as it tells. */
export interface Device {
  readonly userAgent: string | null
  /** An IPv4 address or an IPv6 /64. */
  readonly network: string
}

/** What a route's act is given: everything valid, typed by the contract. */
export interface Input<Path, Query, Body> {
  readonly path: Path
  readonly query: Query
  readonly body: Body
  readonly device: Device
  readonly ifRevision: IfRevision
  /** The header of whoever takes a stream up again. */
  readonly lastEventId: string | null
  readonly idempotencyKey: IdempotencyKey | undefined
}

export interface RouteDefinition<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
> extends RouteContract<Path, Query, Body> {
  /** Refuses whatever the request holds, before that is looked at. */
  readonly admit?: (context: Context) => Refused | undefined
  /**
   * Refuses what the path names within a workflow where that is not there, and what the caller may not do with it:
   * asked where the request is faulty, in place of the workflow's permission alone.
   */
  readonly find?: (context: Context, path: z.output<Path>) => Promise<Refused | undefined>
  readonly act: (
    context: Context,
    input: Input<z.output<Path>, z.output<Query>, z.output<Body>>,
  ) => Promise<Answer | Refused>
}

/** A row of the table that the app is built from. */
export interface Route extends RouteContract {
  readonly respond: (context: Context, incoming: Incoming) => Promise<Answer | Refused>
}

/** A route that still knows its own contract's types: what typed clients are written against (`app-type.ts`). */
export type DefinedRoute<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  Literal extends LiteralContract,
> = Omit<RouteContract<Path, Query, Body>, keyof LiteralContract> & Literal & Pick<Route, 'respond'>

export function defineRoute<
  const Verb extends Method,
  const Pattern extends string,
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  const Answers extends RouteContract['answers'],
  Idempotent extends boolean,
  Conditional extends boolean,
  Whole extends boolean = false,
  MayBeConditional extends boolean = false,
>(
  definition: RouteDefinition<Path, Query, Body> &
    LiteralContract<Verb, Pattern, Answers, Idempotent, Conditional, Whole, MayBeConditional>,
): DefinedRoute<
  Path,
  Query,
  Body,
  LiteralContract<Verb, Pattern, Answers, Idempotent, Conditional, Whole, MayBeConditional>
> {
  const { admit, find, act, ...contract } = definition
  return {
    ...contract,
    async respond(context, incoming) {
      const closed = admit?.(context)
      if (closed !== undefined) return closed
      const narrow = await scopeRefusal(definition, context)
      if (narrow !== undefined) return narrow
      const read = await readInput(definition, incoming, context.origin)
      if (!read.ok) {
        const { path, ...faults } = read.faults
        const findFor = find && path && (() => find(context, path))
        const refused = await refusalInOrder(definition, context, incoming, faults, findFor)
        return keepRefusal(context, faults.idempotencyKey, refused)
      }
      return keepRefusal(context, read.input.idempotencyKey, await act(context, read.input))
    },
  }
}
