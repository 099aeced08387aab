import type { Command } from 'commander'
import { newSecrets } from '../secrets.ts'
import type { AddCommand } from '../command.ts'

const examples = `
Nothing is stored: keep what it prints in your secret store, the age identity away from the backups.

Examples:
  millrace secrets new
  millrace secrets new --json | jq -r .AUTH_KEYS`

export const secretsCommand: AddCommand = (parent: Command, run) => {
  const secrets = parent.command('secrets').description('make secrets for a deployment')
  secrets.addHelpText('after', '\nExamples:\n  millrace secrets new')
  secrets
    .command('new')
    .description('print fresh AUTH_KEYS, SETTINGS_KEYS, METRICS_TOKEN and an age key pair for backups')
    .addHelpText('after', examples)
    .action(() =>
      run(async ({ output }) => {
        const fresh = await newSecrets()
        const words = [
          `AUTH_KEYS=${fresh.AUTH_KEYS}`,
          `SETTINGS_KEYS=${fresh.SETTINGS_KEYS}`,
          `METRICS_TOKEN=${fresh.METRICS_TOKEN}`,
          `BACKUP_RECIPIENTS=${fresh.age.recipient}`,
          '# The identity opens the backups: keep it away from them and from the deployment.',
          `# ${fresh.age.identity}`,
        ]
        output.result(fresh, words.join('\n'))
        return 0
      }),
    )
}
