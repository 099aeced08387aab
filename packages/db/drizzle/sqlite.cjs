/* Every table of the schema as an export of its own, as drizzle-kit wants them. An ES module cannot export names that it
   computes, and drizzle-kit loads what it reads by require. */
/* oxlint-disable typescript/no-require-imports, typescript/no-unsafe-call */
const { defineTables } = require('../src/schema/schema.ts')
const { sqliteKit } = require('../src/dialects/sqlite/kit.ts')

module.exports = defineTables(sqliteKit)
