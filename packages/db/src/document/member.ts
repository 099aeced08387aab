import type { DocumentProblem, ScannedValue } from './scanner.ts'

declare const documentBrand: unique symbol

/** Exact JSON text that keeps the portable rules, without white space around it. */
export type DocumentText = string & { readonly [documentBrand]: 'DocumentText' }

/** One member of a request body. */
export interface Member {
  /** The value's exact text, without the white space around it. */
  readonly text: string
  /** In a document 422 `invalid_json_document`, in a plain member 422 `validation_failed`. At most 20, in order. */
  readonly problems: readonly DocumentProblem[]
  /** Whether the problems are a document's; for a list, whether one of them is. */
  readonly isAboutDocument: boolean
  /** Set when the member is a document without problems. */
  readonly document: DocumentText | undefined
  /**
   * What a schema should see: a document's exact text, a plain member's JavaScript value (undefined when nested beyond
   * 64 containers), a list's items as plain objects of such values.
   */
  value(): unknown
}

export type Members = ReadonlyMap<string, Member>

/** A member that is a document, seen as its exact text. */
export class DocumentMember implements Member {
  readonly problems: readonly DocumentProblem[]
  private readonly source: string
  private readonly start: number
  private readonly end: number

  constructor(source: string, { start, end, problems }: ScannedValue) {
    this.source = source
    this.start = start
    this.end = end
    this.problems = problems
  }

  get text(): string {
    return this.source.slice(this.start, this.end)
  }

  get document(): DocumentText | undefined {
    return this.problems.length === 0 ? brand(this.text) : undefined
  }

  get isAboutDocument(): boolean {
    return true
  }

  value(): unknown {
    return this.text
  }
}

/** A member that is no document, seen as its JavaScript value. */
export class PlainMember implements Member {
  readonly problems: readonly DocumentProblem[]
  readonly document = undefined
  readonly isAboutDocument = false
  private readonly source: string
  private readonly start: number
  private readonly end: number
  private readonly isTooDeep: boolean

  constructor(source: string, { start, end, problems, isTooDeep }: ScannedValue) {
    this.source = source
    this.start = start
    this.end = end
    this.problems = problems
    this.isTooDeep = isTooDeep
  }

  get text(): string {
    return this.source.slice(this.start, this.end)
  }

  value(): unknown {
    return this.isTooDeep ? undefined : JSON.parse(this.text)
  }
}

/** One item of a list of bodies; one that is no object is plain. */
export type ListItem = { readonly members: Members } | { readonly plain: Member }

const mostListProblems = 20

/** A member that is a list of bodies, seen as an array of objects of what their members are seen as. */
export class ListMember implements Member {
  readonly problems: readonly DocumentProblem[]
  readonly isAboutDocument: boolean
  readonly document = undefined
  readonly text: string
  private readonly items: readonly ListItem[]

  constructor(text: string, items: readonly ListItem[]) {
    const members = items.flatMap((item) => ('plain' in item ? [item.plain] : [...item.members.values()]))
    this.text = text
    this.items = items
    this.problems = members.flatMap((member) => member.problems).slice(0, mostListProblems)
    this.isAboutDocument = members.some((member) => member.isAboutDocument && member.problems.length > 0)
  }

  value(): unknown {
    return this.items.map((item) => ('plain' in item ? item.plain.value() : objectOf(item.members)))
  }
}

function objectOf(members: Members): object {
  return Object.fromEntries(Array.from(members, ([name, member]) => [name, member.value()]))
}

/** The text of a value that was scanned and has no problems is a document's. */
export function brand(text: string): DocumentText {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place that gives the brand
  return text as DocumentText
}
