import type { DocumentText } from '@millrace/db/document'
import type { Hono } from 'hono'
import type * as z from 'zod'
import type { Routes } from './app.ts'
import type { ErrorCode, ErrorStatus, FieldError } from './errors.ts'
import type { RequestVariables } from './middleware/request-context.ts'
import type { RouteContract } from './route-contract.ts'

/**
 * The app as Hono's typed client knows it: `hc<AppType>(url)` completes paths, parameters, bodies and answers, and
 * refuses others. It is computed from the contracts that validate requests, so it cannot say anything else.
 */
export type AppType = Hono<RequestVariables, ApiSchema>

export type ApiSchema = {
  readonly [Pattern in Routes[number]['path'] as HonoPath<Pattern>]: {
    readonly [R in RouteAt<Pattern> as `$${Lowercase<R['method']>}`]: EndpointOf<R>
  }
}

type RouteAt<Pattern> = Extract<Routes[number], { readonly path: Pattern }>

type EndpointOf<R extends RouteContract> = ResponseOf<R> | Refused<InputOf<R>>

type ResponseOf<R extends RouteContract> = {
  [Status in keyof R['answers'] & (200 | 201 | 202 | 204)]: R['answers'][Status] extends z.ZodType
    ? { input: InputOf<R>; output: z.output<R['answers'][Status]>; outputFormat: 'json'; status: Status }
    : { input: InputOf<R>; output: null; outputFormat: 'body'; status: Status }
}[keyof R['answers'] & (200 | 201 | 202 | 204)]

// Hono infers a schema only from what has index signatures implied: type aliases, not interfaces.
type Refused<In> = {
  input: In
  output: ProblemJson
  outputFormat: 'json'
  status: ErrorStatus
}

export type { ErrorCode, ErrorStatus, FieldError }

/** `application/problem+json`, as every refusal is answered. */
export interface ProblemJson {
  readonly type: string
  readonly title: string
  readonly status: ErrorStatus
  readonly code: ErrorCode
  readonly detail: string
  readonly requestId: string
  readonly errors?: readonly FieldError[]
}

type InputOf<R extends RouteContract> = Part<'param', Record<NamesOf<R['pathParameters']>, string>> &
  Part<'query', Pick<z.input<R['query']>, NamesOf<R['query']>>> &
  Part<'json', BodyOf<R>> &
  Part<'header', HeadersOf<R>>

/** An object schema without members takes `Record<string, never>`: a name for every text. */
type NamesOf<S extends z.ZodObject> = keyof S['shape'] & keyof z.input<S>

/** A part of a request: absent where it has no members, optional where none of them is needed. */
type Part<Name extends string, Members> = [keyof Members] extends [never]
  ? object
  : Partial<Members> extends Members
    ? { [Key in Name]?: Members }
    : { [Key in Name]: Members }

type BodyOf<R extends RouteContract> = R extends { readonly isBodyDocument?: true }
  ? Readonly<Record<string, unknown>>
  : JsonOf<Pick<z.input<R['body']['schema']>, NamesOf<R['body']['schema']>>, z.output<R['body']['schema']>>

/**
 * What a schema takes, as JSON: a document is any JSON value. Where a list is looked at by another schema (`unknown`
 * items in, known items out), the items are those of that schema.
 */
type JsonOf<In, Out> = {
  [Name in keyof In]: In[Name] extends readonly unknown[]
    ? unknown extends In[Name][number]
      ? readonly ItemOf<Out[Name & keyof Out]>[]
      : In[Name]
    : ValueOf<In[Name]>
}

type ItemOf<List> = List extends readonly (infer Item)[] ? JsonOf<Item, Item> : never

type ValueOf<Value> = Value extends DocumentText ? Json : Value

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

type HeadersOf<R extends RouteContract> = (R['isIdempotent'] extends true ? { 'Idempotency-Key'?: string } : unknown) &
  (R['isConditional'] extends true ? { 'If-Match': string } : unknown) &
  (R extends { readonly mayBeConditional?: true } ? { 'If-Match'?: string } : unknown)

/** `/v1/workflows/{id}` as Hono writes it: `/v1/workflows/:id`. */
type HonoPath<Pattern extends string> = Pattern extends `${infer Head}{${infer Name}}${infer Tail}`
  ? `${Head}:${Name}${HonoPath<Tail>}`
  : Pattern
