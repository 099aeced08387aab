import type { Member, Members } from '@millrace/db/document'

/** A request as far as every route reads it alike. */
export interface Incoming {
  readonly method: string
  readonly pathname: string
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly bytes: Uint8Array
  readonly body: IncomingBody
}

/** `absent`: no byte was sent. `not_object`: JSON, but no object. `document`: the body itself is one. */
export type IncomingBody =
  | { readonly kind: 'absent' }
  | { readonly kind: 'not_object'; readonly message: string }
  | { readonly kind: 'object'; readonly members: Members }
  | { readonly kind: 'document'; readonly member: Member }
