import type { Command } from 'commander'
import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../failure.ts'
import { printable } from '../printable.ts'
import { newSecrets, type NewSecrets } from '../secrets.ts'
import type { AddCommand } from '../command.ts'

const examples = `
Keep the output in your secret store. The age identity decrypts backups: store it away from the backups and from the
deployment. --identity-file writes it to a file of its own, for --identity of \`millrace verify\`, \`drill\` and \`restore\`;
without this option it is printed with the rest. A file that the shell makes for the output is readable by others unless
umask says otherwise.

Examples:
  millrace secrets new
  (umask 077; millrace secrets new > .env)
  millrace secrets new --identity-file identity.txt
  millrace secrets new --json | jq -r .AUTH_KEYS`

export const secretsCommand: AddCommand = (parent: Command, run) => {
  const secrets = parent.command('secrets').description('generate secrets for a deployment')
  secrets.addHelpText('after', '\nExamples:\n  millrace secrets new')
  secrets
    .command('new')
    .description('generate AUTH_KEYS, SETTINGS_KEYS, METRICS_TOKEN and an age key pair for backups')
    .option('--identity-file <file>', 'write the age identity to this new file, readable only by you')
    .addHelpText('after', examples)
    .action(({ identityFile }: { readonly identityFile?: string }) =>
      run(async ({ output, directories }) => {
        const path = identityFile === undefined ? undefined : resolve(directories.caller, identityFile)
        if (path !== undefined) refuseExisting(path)
        const fresh = await newSecrets()
        if (path !== undefined) writeIdentity(path, fresh)
        const words = [
          `AUTH_KEYS=${fresh.AUTH_KEYS}`,
          `SETTINGS_KEYS=${fresh.SETTINGS_KEYS}`,
          `METRICS_TOKEN=${fresh.METRICS_TOKEN}`,
          `BACKUP_RECIPIENTS=${fresh.age.recipient}`,
          '# The identity decrypts the backups. Store it away from them and from the deployment.',
          path === undefined ? `# ${fresh.age.identity}` : `# It is in ${printable(path)}.`,
        ]
        output.result(fresh, words.join('\n'))
        return 0
      }),
    )
}

function refuseExisting(path: string): void {
  if (!existsSync(path)) return
  throw new Failure('file_exists', {
    what: `The file ${printable(path)} already exists.`,
    why: 'It may hold the identity of other backups.',
    fix: 'Choose another name.',
  })
}

/** As `age-keygen` writes one. */
function writeIdentity(path: string, { age: { recipient, identity } }: NewSecrets): void {
  try {
    writeFileSync(path, `# public key: ${recipient}\n${identity}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    throw new Failure(code === 'ENOENT' || code === 'ENOTDIR' ? 'file_missing' : 'internal', {
      what: `${printable(path)} cannot be written.`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'Check the directory and its permissions, or choose another place.',
    })
  }
}
