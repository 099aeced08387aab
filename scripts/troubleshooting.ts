/** Writes docs/troubleshooting.md. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { troubleshootingPage } from './troubleshooting-page.ts'

writeFileSync(join(import.meta.dirname, '../docs/troubleshooting.md'), troubleshootingPage())
