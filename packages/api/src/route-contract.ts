import type { Permission } from '@millrace/db/access/access'
import type { Members } from '@millrace/db/document'
import type * as z from 'zod'
import type { ErrorCode } from './errors.ts'
import type { IfRevision } from './services/if-revision.ts'
import type { RouteScope } from './scopes.ts'
import type { IdempotencyKey } from './services/idempotency.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Which callers a route admits. */
export type Access = PublicAccess | UserAccess

/** Access that anonymous callers may have, too. */
export type PublicAccess =
  /** Anyone. The Authorization header is ignored, unless `checksToken`: then a token that is sent must be valid. */
  | { readonly kind: 'open'; readonly checksToken?: true }
  /** Every user, and anonymous callers where the query asks for what is public. */
  | { readonly kind: 'user'; readonly isPublic: (query: URLSearchParams) => boolean }
  /** Every caller who may see the workflow `{id}`: anonymous callers where it is public. */
  | { readonly kind: 'workflow'; readonly need: 'view'; readonly isPrivate?: false }
  /** A caller with the METRICS_TOKEN. Without that setting the route answers 404. */
  | { readonly kind: 'metrics' }

export type UserAccess =
  /** Every user. */
  | { readonly kind: 'user'; readonly isPublic?: undefined }
  /** Users with the permission on the workflow `{id}`. */
  | {
      readonly kind: 'workflow'
      readonly need: Exclude<Permission, 'view'>
      /** For a body that asks for more than `need` allows. */
      readonly needFor?: (members: Members) => Permission
    }
  /** Users who may see the workflow `{id}` even if it is not public. */
  | { readonly kind: 'workflow'; readonly need: 'view'; readonly isPrivate: true }
  /** Users with the permission on the workflow of the execution `{id}`; `view` includes the user who started it. */
  | { readonly kind: 'execution'; readonly need: Permission }
  /** Users with the permission on the workflow of the schedule `{id}`; a public workflow gives none. */
  | { readonly kind: 'schedule'; readonly need: 'view' | 'edit' }
  /** Administrators. */
  | { readonly kind: 'admin' }

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
  /** The media type of a success: JSON unless given. */
  readonly answerType?:
    | 'application/json'
    | 'text/html'
    | 'text/plain'
    | 'text/event-stream'
    | 'application/octet-stream'
    | '*/*'
  /** Headers of a success, beyond what its contract implies. */
  readonly answerHeaders?: readonly string[]
  /** What this route refuses with, beyond what its contract implies. */
  readonly refusals: readonly ErrorCode[]
}

/** The members of a contract whose types are literals. */
export interface LiteralContract<
  Verb extends Method = Method,
  Pattern extends string = string,
  Responses extends RouteContract['answers'] = RouteContract['answers'],
  Idempotent extends boolean = boolean,
  Conditional extends boolean = boolean,
  Whole extends boolean = boolean,
  MayBeConditional extends boolean = boolean,
> {
  readonly method: Verb
  readonly path: Pattern
  readonly answers: Responses
  readonly isIdempotent?: Idempotent
  readonly isConditional?: Conditional
  readonly isBodyDocument?: Whole
  readonly mayBeConditional?: MayBeConditional
}

/** What a request says of the client that sent it. */
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
  /** The `Last-Event-ID` header of a client that resumes a stream. */
  readonly lastEventId: string | null
  readonly idempotencyKey: IdempotencyKey | undefined
}
