declare const documentBrand: unique symbol

/** Exact JSON text that keeps the portable rules, without white space around it. */
export type DocumentText = string & { readonly [documentBrand]: 'DocumentText' }

/** `pointer` is RFC 6901, from the body: `/definition/nodes/0`. */
export interface DocumentProblem {
  readonly pointer: string
  readonly message: string
}

/** One member of a request body. */
export interface Member {
  /** The value's exact text, without the white space around it. */
  readonly text: string
  /** In a document 422 `invalid_json_document`, in a plain member 422 `validation_failed`. */
  readonly problems: readonly DocumentProblem[]
  /** Set when the member is a document without problems. */
  readonly document: DocumentText | undefined
  /**
   * What a schema should see: a document's exact text, a plain member's JavaScript value (undefined when nested beyond
   * 64 containers), a list's items as plain objects of such values.
   */
  value(): unknown
}

export type Members = ReadonlyMap<string, Member>

/** `malformed` → 400 `malformed_json`; `not_object` is JSON of another kind → 422 at the pointer ``. */
export type ScannedBody =
  | { readonly ok: false; readonly problem: 'malformed' | 'not_object'; readonly message: string }
  | { readonly ok: true; readonly members: Members }

export interface ScanOptions {
  /** Documents in which a member `$secret` may stand: settings' `data`. */
  readonly secretFields?: ReadonlySet<string>
  /** A member that is a list of bodies, each with `documentFields` of its own: `items` of a batch. */
  readonly listField?: string
}
