import { redactUrl } from '@millrace/db/url'
import type { Command } from 'commander'
import type { AddCommand } from '../command.ts'
import { defaultUrl } from '../connection.ts'
import type { Context } from '../context.ts'
import { withDatabaseOption } from '../options.ts'

interface DoctorOptions {
  readonly database?: string
  readonly dev?: boolean
}

const examples = `
Changes nothing. Exits with 1 if a check fails. docs/doctor.md explains each check and how to fix it.

Examples:
  millrace doctor
  millrace doctor --dev
  DATABASE_URL=postgresql://user:password@db.example.com/workflows millrace doctor --json | jq '.findings[] | select(.level != "ok")'`

export const doctorCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(
    parent.command('doctor').description('run the production checklist on the settings and the database'),
  )
    .option('--dev', 'report production-only failures as warnings')
    .addHelpText('after', examples)
    .action((options: DoctorOptions) => run((context) => doctor(context, options)))
}

async function doctor(context: Context, options: DoctorOptions): Promise<number> {
  const { examine } = await import('../doctor/examine.ts')
  const { findingWords } = await import('../doctor/words.ts')
  const givenBy = options.database ? '--database' : 'DATABASE_URL'
  const url = options.database || context.environment()['DATABASE_URL'] || defaultUrl
  const findings = await examine(context, { url, givenBy, isDevelopment: options.dev === true })
  const isRight = findings.every(({ level }) => level !== 'fail')
  const document = isRight ? { findings } : { ok: false, findings }
  context.output.result(document, findingWords(redactUrl(url), findings, context.output.isColored))
  return isRight ? 0 : 1
}
