import * as z from 'zod'
import { emptyResponse, type RouteResponse } from './response.ts'
import type { ReadAsset } from './assets.ts'
import type { AccessTokens } from './auth/tokens.ts'
import { replayed } from './request/idempotency.ts'
import type { Incoming } from './request/incoming.ts'
import { readInput } from './request/input.ts'
import { needlessTokenRefusal, firstRefusal, scopeRefusal } from './request/precedence.ts'
import { storeRefusal } from './request/stored-refusals.ts'
import { refuse, type Refused } from './result.ts'
import type {
  Access,
  BodyContract,
  Input,
  LiteralContract,
  Method,
  PublicAccess,
  RouteContract,
  UserAccess,
} from './route-contract.ts'
import { hasUser, type Context, type UserContext } from './services/context.ts'
import type { OrReplay } from './services/idempotency.ts'

interface BodyOptions {
  readonly documents?: readonly string[]
  readonly secrets?: readonly string[]
  readonly list?: BodyContract['list']
  readonly isOptional?: boolean
}

export const noParameters = z.object({})
const noBody = bodyOf('none', z.object({}), { isOptional: true })

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

/** What a route acts with: a service's context, and what belongs to HTTP. */
export interface RouteContext extends Context {
  readonly accessTokens: AccessTokens
  /** Undefined where the functions were deployed without files. */
  readonly readAsset: ReadAsset | undefined
}

export type UserRouteContext = RouteContext & UserContext

type NoMembers = typeof noParameters

/** What a definition leaves out: no parameters, no body, and nothing of the rest. */
const omitted = {
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  refusals: [],
} as const

export interface RouteDefinition<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  Allowed extends Access,
  Acting extends RouteContext,
  Value,
> extends Omit<RouteContract, keyof LiteralContract | keyof typeof omitted> {
  readonly access: Allowed
  readonly pathParameters?: Path
  readonly query?: Query
  readonly body?: BodyContract<Body>
  readonly refusals?: RouteContract['refusals']
  /** Refuses whatever the request holds, before that is looked at. */
  readonly admit?: (context: Acting) => Refused | undefined
  /**
   * Refuses where what the path names does not exist, or the caller may not do this with it. Asked when the request is
   * faulty, so that 404 and 403 come before its faults.
   */
  readonly find?: (context: Acting, path: z.output<Path>) => Promise<Refused | undefined>
  readonly act: (
    context: Acting,
    input: Input<z.output<Path>, z.output<Query>, z.output<Body>>,
  ) => OrReplay<Value> | Promise<OrReplay<Value>>
  /** What the caller is told of what was done; 204 without a body where it is left out. */
  readonly answer?: (value: Value, context: Acting) => RouteResponse | Promise<RouteResponse>
}

/** A row of the table that the app is built from. */
export interface Route extends RouteContract {
  readonly respond: (context: RouteContext, incoming: Incoming) => Promise<RouteResponse | Refused>
}

/** A route that still knows its own contract's types: what typed clients are written against (`app-type.ts`). */
export type DefinedRoute<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  Literal extends LiteralContract,
> = Omit<RouteContract<Path, Query, Body>, keyof LiteralContract> &
  Literal &
  Required<Pick<Literal, 'isIdempotent' | 'isConditional'>> &
  Pick<Route, 'respond'>

/** A route for users alone: its context has one. */
export const defineRoute = routesFor<UserAccess, UserRouteContext>((context) =>
  hasUser(context) ? context : undefined,
)

/** A route that anonymous callers are admitted to as well. */
export const definePublicRoute = routesFor<PublicAccess, RouteContext>((context) => context)

/** Defines routes that act in a context which not every request has: one without it is `unauthenticated`. */
function routesFor<Allowed extends Access, Acting extends RouteContext>(
  contextFor: (context: RouteContext) => Acting | undefined,
) {
  function define<
    const Verb extends Method,
    const Pattern extends string,
    Value,
    const Responses extends RouteContract['answers'],
    Path extends z.ZodObject = NoMembers,
    Query extends z.ZodObject = NoMembers,
    Body extends z.ZodObject = NoMembers,
    Idempotent extends boolean = false,
    Conditional extends boolean = false,
    Whole extends boolean = false,
    MayBeConditional extends boolean = false,
  >(
    definition: RouteDefinition<Path, Query, Body, Allowed, Acting, Value> &
      LiteralContract<Verb, Pattern, Responses, Idempotent, Conditional, Whole, MayBeConditional>,
  ): DefinedRoute<
    Path,
    Query,
    Body,
    LiteralContract<Verb, Pattern, Responses, Idempotent, Conditional, Whole, MayBeConditional>
  >
  function define({
    admit,
    find,
    act,
    answer,
    ...given
  }: RouteDefinition<z.ZodObject, z.ZodObject, z.ZodObject, Allowed, Acting, unknown> & LiteralContract): Route {
    const contract: RouteContract = { ...omitted, ...given }
    if (answer === undefined && contract.answers[204] === undefined) {
      throw new TypeError(`${contract.method} ${contract.path} has no \`answer\`, and declares no 204`)
    }
    return {
      ...contract,
      async respond(held, incoming) {
        const context = contextFor(held)
        if (context === undefined) return refuse('unauthenticated')
        const refused =
          (await needlessTokenRefusal(contract, context)) ?? admit?.(context) ?? (await scopeRefusal(contract, context))
        if (refused !== undefined) return refused
        const read = await readInput(contract, incoming, context.origin)
        if (!read.ok) {
          const { path, ...faults } = read.faults
          const findFor = find && path && (() => find(context, path))
          const first = await firstRefusal(contract, context, incoming, faults, findFor)
          return storeRefusal(context, faults.idempotencyKey, first)
        }
        const outcome = await act(context, read.input)
        if (outcome.ok) return answer === undefined ? emptyResponse() : answer(outcome.value, context)
        return outcome.refusal === 'replay'
          ? replayed(outcome.answer)
          : storeRefusal(context, read.input.idempotencyKey, outcome)
      },
    }
  }
  return define
}
