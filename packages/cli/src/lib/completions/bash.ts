import {
  completedCommands,
  completedFlags,
  type FlagValue,
  flagsOf,
  flagsWithValue,
  placeFlags,
} from './completion-spec.ts'

/** The completion of bash, without bash-completion or with it (for the program's own words). */
export function bashCompletion(): string {
  return `# bash completion for tailproxy, made by: tailproxy completions bash

_tailproxy_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Of a list behind commas the last is completed.
_tailproxy_names() {
  local done=
  [[ $cur == *,* ]] && done=\${cur%,*},
  mapfile -t COMPREPLY < <(
    compgen -P "$done" -W "$("\${COMP_WORDS[0]}" "\${place[@]}" completions names "$1" 2>/dev/null)" -- "\${cur##*,}"
  )
}

_tailproxy_program() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif (($1 == COMP_CWORD)); then
    mapfile -t COMPREPLY < <(compgen -c -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
}

_tailproxy() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command= verb= flag= at word name
  local -a place=()
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [[ $word == -- ]]; then
      _tailproxy_program $((at + 1))
      return
    fi
    if [[ $word == -?* ]]; then
      name=\${word#-} name=\${name#-}
      case $name in
        ${flagsWithValue().join('|')})
          # bash makes a word of "=".
          [[ \${COMP_WORDS[at + 1]} == = ]] && ((at++))
          if ((at + 1 >= COMP_CWORD)); then
            flag=$name
            [[ $cur == = ]] && cur=
            break
          fi
          ((at++))
          case $name in ${placeFlags.join('|')}) place+=("--$name=\${COMP_WORDS[at]}") ;; esac
          ;;
        *) [[ \${COMP_WORDS[at + 1]} == = ]] && ((at += 2)) ;;
      esac
      continue
    fi
    if [[ -z $command ]]; then
      case $word in
        ${completedCommands.map(({ name }) => name).join('|')}) command=$word ;;
        *)
          _tailproxy_program "$at"
          return
          ;;
      esac
    elif [[ $command == run || $command:$verb == lab:run ]]; then
      _tailproxy_program "$at"
      return
    elif [[ -z $verb ]]; then
      verb=$word
    fi
  done

  if [[ -n $flag ]]; then
    case $flag in
${indent(6, valueCases())}
    esac
    return
  fi
  if [[ $cur == -* ]]; then
    local dashes=--
    [[ $cur == -[^-]* ]] && dashes=-
    case $command in
${indent(6, flagCases())}
    esac
    return
  fi
  case $command:$verb in
    :)
      _tailproxy_words '${completedCommands.map(({ name }) => name).join(' ')}'
      [[ -n $cur ]] && mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -c -- "$cur")
      ;;
${indent(4, operandCases())}
  esac
}

complete -F _tailproxy tailproxy
`
}

function valueCases(): string[] {
  return completedFlags.flatMap(({ name, value }) =>
    value === undefined ? [] : `${name}) ${valueWords(value)} ;;`,
  )
}

function valueWords(value: FlagValue): string {
  if (value === 'files') return 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")'
  if (value === 'directories') return 'mapfile -t COMPREPLY < <(compgen -d -- "$cur")'
  return typeof value === 'string'
    ? `_tailproxy_names ${value}`
    : `_tailproxy_words '${value.join(' ')}'`
}

function flagCases(): string[] {
  const cases = completedCommands.map(({ name }) => {
    const words = flagsOf(name).map((flag) => `\${dashes}${flag.name}`)
    return `${name === 'run' ? "run | ''" : name}) _tailproxy_words "${words.join(' ')}" ;;`
  })
  return cases
}

function operandCases(): string[] {
  return completedCommands.flatMap(({ name, verbs, operand }) => [
    ...(verbs.length > 0
      ? [`${name}:) _tailproxy_words '${verbs.map(({ word }) => word).join(' ')}' ;;`]
      : []),
    ...(operand === 'programs' ? [`${name}:*) _tailproxy_program "$COMP_CWORD" ;;`] : []),
    ...verbs.flatMap(({ word, operand: names }) => {
      if (names === undefined) return []
      if (names !== 'programs') return [`${name}:${word}) _tailproxy_names ${names} ;;`]
      return [`${name}:${word}) _tailproxy_program "$COMP_CWORD" ;;`]
    }),
  ])
}

function indent(columns: number, lines: readonly string[]): string {
  return lines.map((line) => `${' '.repeat(columns)}${line}`).join('\n')
}
