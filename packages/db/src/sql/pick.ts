/** Some members of an object, by their names: columns of a table, or what of a row is a view's own. */
export function pick<Source extends object, Name extends keyof Source>(
  source: Source,
  names: readonly Name[],
): Pick<Source, Name> {
  const picked: Partial<Pick<Source, Name>> = {}
  for (const name of names) picked[name] = source[name]
  // The names are the type's own.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return picked as Pick<Source, Name>
}
