/** Stands where drizzle wants a driver: repositories take its SQL text, and the dialect's transport runs it. */
export function onlyBuilds(): never {
  throw new Error('this builder only writes SQL: give its query to a Store')
}
