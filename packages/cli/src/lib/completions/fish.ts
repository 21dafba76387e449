import {
  type CompletedFlag,
  completedCommands,
  completedFlags,
  type FlagValue,
  placeFlags,
} from './completion-spec.ts'

/** The completion of fish. */
export function fishCompletion(): string {
  const commands = completedCommands.map(({ name }) => name).join(' ')
  return `# fish completion for tailproxy, made by: tailproxy completions fish

# Prints the command, its verb, and where the program's own words begin; 0 for nowhere.
function __tailproxy_place
    set -l words (commandline -opc)
    set -l command ''
    set -l verb ''
    set -l at 2
    while test $at -le (count $words)
        set -l word $words[$at]
        if test "$word" = --
            printf '%s\\n' "$command" "$verb" (math $at + 1)
            return
        end
        if string match -qr -- '^-' $word
            contains -- (string replace -r -- '^--?' '' $word) ${valued().join(' ')}
            and set at (math $at + 1)
        else if test -z "$command"
            if not contains -- $word ${commands}
                printf '%s\\n' "$command" "$verb" $at
                return
            end
            set command $word
        else if test "$command" = run -o "$command:$verb" = lab:run
            printf '%s\\n' "$command" "$verb" $at
            return
        else if test -z "$verb"
            set verb $word
        end
        set at (math $at + 1)
    end
    # A program that is only being written.
    if test "$command" = run -o "$command:$verb" = lab:run
        printf '%s\\n' "$command" "$verb" $at
    else
        printf '%s\\n' "$command" "$verb" 0
    end
end

# Whether the cursor is behind a command, or before any of them (-), and a verb if one is named.
function __tailproxy_at
    set -l place (__tailproxy_place)
    test "$place[3]" = 0; or return 1
    test "$place[1]" = (string replace -r -- '^-$' '' $argv[1]); or return 1
    test (count $argv) -lt 2; or test "$place[2]" = "$argv[2]"
end

# Whether a flag of these commands may stand here.
function __tailproxy_flag
    set -l place (__tailproxy_place)
    test "$place[3]" = 0 -o "$place[3]" -gt (count (commandline -opc)); or return 1
    set -l command $place[1]
    test -n "$command"; or set command run
    contains -- $command $argv
end

function __tailproxy_in_program
    set -l place (__tailproxy_place)
    test "$place[3]" != 0
end

function __tailproxy_program
    set -l place (__tailproxy_place)
    set -l words (commandline -opc)
    if test $place[3] -gt (count $words)
        __fish_complete_command
        return
    end
    set -l line (string join -- ' ' (string escape -- $words[$place[3]..-1]) (commandline -ct))
    complete -C "$line"
end

# Of a list behind commas the last is completed.
function __tailproxy_names
    set -l words (commandline -opc)
    set -l place
    for at in (seq 2 (count $words))
        string match -qr -- '^--?(${placeFlags.join('|')})=' $words[$at]
        and set -a place $words[$at]
        string match -qr -- '^--?(${placeFlags.join('|')})$' $words[$at]
        and set -a place $words[$at] $words[(math $at + 1)]
    end
    set -l before (string match -r -- '^(?:--?[a-z-]+=)?((?:[^,]*,)*)' (commandline -ct))[2]
    string replace -r -- '^' "$before" ($words[1] $place completions names $argv[1] 2>/dev/null)
end

complete -c tailproxy -f
complete -c tailproxy -n __tailproxy_in_program -a '(__tailproxy_program)'
complete -c tailproxy -n '__tailproxy_at -' -a '(__fish_complete_command)'
${completedCommands.map(({ name, summary }) => `complete -c tailproxy -n '__tailproxy_at -' -a ${name} -d ${quoted(summary)}`).join('\n')}
${operandLines().join('\n')}
${completedFlags.map(flagLine).join('\n')}
`
}

function valued(): string[] {
  return completedFlags
    .filter(({ takesValue }) => takesValue)
    .flatMap(({ name, short }) => (short === undefined ? [name] : [short, name]))
}

function operandLines(): string[] {
  return completedCommands.flatMap(({ name, verbs, operand }) => [
    ...verbs.map(({ word }) => `complete -c tailproxy -n '__tailproxy_at ${name} ""' -a ${word}`),
    ...(operand === 'programs' && name !== 'run'
      ? [`complete -c tailproxy -n '__tailproxy_at ${name}' -a '(__fish_complete_command)'`]
      : []),
    ...verbs.flatMap(({ word, operand: names }) =>
      names === undefined || names === 'programs'
        ? []
        : [
            `complete -c tailproxy -n '__tailproxy_at ${name} ${word}' -a '(__tailproxy_names ${names})'`,
          ],
    ),
  ])
}

function flagLine({ name, short, help, value, takesValue, commands }: CompletedFlag): string {
  const words = [
    'complete -c tailproxy',
    `-n '__tailproxy_flag ${commands.join(' ')}'`,
    `-l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    ...(takesValue ? [valueWords(value)] : []),
    `-d ${quoted(help)}`,
  ]
  return words.join(' ')
}

function valueWords(value: FlagValue | undefined): string {
  if (value === undefined) return '-x'
  if (value === 'files') return '-rF'
  if (value === 'directories') return "-xa '(__fish_complete_directories)'"
  return typeof value === 'string'
    ? `-xa '(__tailproxy_names ${value})'`
    : `-xa '${value.join(' ')}'`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
