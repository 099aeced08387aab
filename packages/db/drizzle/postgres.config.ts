import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './packages/db/src/dialects/postgres/tables.ts',
  out: './packages/db/src/migrations/postgres',
  breakpoints: true,
})
