import { Argument, type Command } from 'commander'
import type { AddCommand } from '../command.ts'
import { completionScript, shells, type Shell } from '../completion/script.ts'

const examples = `
Load the script in your shell's start-up file, or save it where your shell looks for completions.

Examples:
  source <(millrace completion bash)
  millrace completion zsh > "\${fpath[1]}/_millrace"
  millrace completion fish > ~/.config/fish/completions/millrace.fish`

export const completionCommand: AddCommand = (parent: Command, run) => {
  parent
    .command('completion')
    .description('print the completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', examples)
    .action((shell: Shell) =>
      run(async ({ output }) => {
        const script = completionScript(parent, shell)
        output.result({ shell, script }, script.trimEnd())
        return 0
      }),
    )
}
