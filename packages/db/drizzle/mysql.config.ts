import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'mysql',
  schema: './packages/db/src/dialects/mysql/tables.ts',
  out: './packages/db/src/migrations/mysql',
  breakpoints: true,
})
