import type { Command, Option } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A command with the words that lead to it; the program itself has none. */
interface Place {
  readonly path: readonly string[]
  readonly command: Command
}

/** The script that completes commands, options and the values of both; elsewhere the shell completes files. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesBelow(program, [])
  switch (shell) {
    case 'bash':
      return bashScript(places)
    case 'zsh':
      return `#compdef millrace\nautoload -Uz bashcompinit && bashcompinit\n${bashScript(places)}`
    case 'fish':
      return fishScript(places)
  }
}

function placesBelow(command: Command, path: readonly string[]): readonly Place[] {
  const children = command.commands.flatMap((child) =>
    [child.name(), ...child.aliases()].flatMap((name) => placesBelow(child, [...path, name])),
  )
  return [{ path, command }, ...children]
}

function optionsOf(command: Command): readonly Option[] {
  const inherited = command.parent === null ? [] : optionsOf(command.parent)
  return [...command.options, ...inherited].filter(
    (option, position, all) => all.findIndex(({ long }) => long === option.long) === position,
  )
}

function childNames({ command }: Place): readonly string[] {
  return command.commands.flatMap((child) => [child.name(), ...child.aliases()])
}

function argumentChoices({ command }: Place): readonly string[] {
  return command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
}

function wordsAt(place: Place): readonly string[] {
  const options = optionsOf(place.command).flatMap(({ long }) => long ?? [])
  return [...childNames(place), ...argumentChoices(place), ...options, '--help']
}

function bashScript(places: readonly Place[]): string {
  const known = places.filter(({ path }) => path.length > 0).map(({ path }) => `"${path.join(' ')}"`)
  const cases = places.map((place) => `    "${place.path.join(' ')}") words="${wordsAt(place).join(' ')}" ;;`)
  const values = valueCases(places)
  return `# Completion of millrace, made by \`millrace completion\`.
_millrace() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at="" words="" word position
  for ((position = 1; position < COMP_CWORD; position++)); do
    word="\${COMP_WORDS[position]}"
    case "\${at:+$at }$word" in
      ${known.join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at $previous" in
${values.join('\n')}
  esac
  case "$at" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _millrace millrace
`
}

/** Options with a value: one of their choices, else whatever the shell completes. */
function valueCases(places: readonly Place[]): readonly string[] {
  return places.flatMap(({ path, command }) =>
    optionsOf(command)
      .filter((option) => option.required || option.optional)
      .map((option) => {
        const choices = option.argChoices ?? []
        const reply =
          choices.length === 0 ? 'COMPREPLY=()' : `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$current"))`
        return `    "${path.join(' ')} ${option.long ?? ''}") ${reply}; return ;;`
      }),
  )
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap((place) => {
    const condition = `-n '${fishCondition(place)}'`
    const children = place.command.commands.map(
      (child) => `complete -c millrace ${condition} -f -a '${child.name()}' -d '${quoted(child.description())}'`,
    )
    const choices = argumentChoices(place).map((choice) => `complete -c millrace ${condition} -f -a '${choice}'`)
    const options = optionsOf(place.command).map((option) => fishOption(condition, option))
    return [...children, ...choices, ...options]
  })
  return `# Completion of millrace, made by \`millrace completion\`.\n${lines.join('\n')}\n`
}

function fishOption(condition: string, { long, description, required, argChoices }: Option): string {
  const value = required ? ` -r${argChoices === undefined ? '' : ` -f -a '${argChoices.join(' ')}'`}` : ''
  return `complete -c millrace ${condition} -l '${(long ?? '').slice(2)}'${value} -d '${quoted(description)}'`
}

/** The words before, options left out, are those that lead there, and none that leads further. */
function fishCondition(place: Place): string {
  const seen = place.path.map((word) => `__fish_seen_subcommand_from ${word}`)
  const children = childNames(place)
  const further = children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`]
  const conditions = [...seen, ...further]
  return conditions.length === 0 ? 'true' : conditions.join('; and ')
}

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)
}
