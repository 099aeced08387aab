import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: './packages/db/drizzle/sqlite.cjs',
  out: './packages/db/src/migrations/sqlite',
  breakpoints: true,
})
