/**
 * Tells the rows whose outer join found something, by a column that is null only where it did not: their members are then
 * those of what was joined.
 */
export function isJoined<View>(column: keyof View & string) {
  return <Row extends { readonly [Name in keyof View]: unknown }>(row: Row | undefined): row is Row & View =>
    row !== undefined && row[column] !== null
}
