import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: './packages/db/src/dialects/sqlite/tables.ts',
  out: './packages/db/src/migrations/sqlite',
  breakpoints: true,
})
