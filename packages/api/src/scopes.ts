/** What an API key may be allowed, in the order in which scopes are stored and answered. */
export const scopes = ['read', 'write', 'worker', 'secrets', 'admin'] as const
export type Scope = (typeof scopes)[number]

/**
 * What a route needs. `account` is what no key can hold: the password, sessions and the account itself. `claimed` is
 * reading an execution, which `worker` suffices for when it has been claimed.
 */
export type RouteScope = Scope | 'account' | 'claimed'

/** The scopes of a key; undefined for a logged-in user, who has all. */
export type HeldScopes = ReadonlySet<Scope> | undefined

/** Whether the caller may use a route that needs the scope: who may write may read. */
export function allows(held: HeldScopes, needed: RouteScope): boolean {
  if (held === undefined) return true
  if (needed === 'account') return false
  if (needed === 'claimed') return held.has('worker') || allows(held, 'read')
  return held.has(needed) || (needed === 'read' && held.has('write'))
}

export function holdsAll(held: HeldScopes, wanted: readonly Scope[]): boolean {
  return held === undefined || wanted.every((scope) => held.has(scope))
}

/** As they are stored: in order, with commas between. */
export function writeScopes(wanted: readonly Scope[]): string {
  return scopes.filter((scope) => wanted.includes(scope)).join(',')
}

/** Undefined when the text is not what {@link writeScopes} writes. */
export function readScopes(text: string): readonly Scope[] | undefined {
  const names = text.split(',')
  const read = scopes.filter((scope) => names.includes(scope))
  return read.length === names.length && writeScopes(read) === text ? read : undefined
}

/** Every text that stands for scopes among those held. */
export function subsetsOf(held: ReadonlySet<Scope>): readonly string[] {
  let subsets: readonly (readonly Scope[])[] = [[]]
  for (const scope of held) subsets = [...subsets, ...subsets.map((subset) => [...subset, scope])]
  return subsets.filter((subset) => subset.length > 0).map(writeScopes)
}
