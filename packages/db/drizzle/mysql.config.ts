import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'mysql',
  schema: './packages/db/drizzle/mysql.cjs',
  out: './packages/db/src/migrations/mysql',
  breakpoints: true,
})
