import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './packages/db/drizzle/postgres.cjs',
  out: './packages/db/src/migrations/postgres',
  breakpoints: true,
})
