import {
  completedCommands,
  completedFlags,
  type FlagValue,
  flagsOf,
  flagsWithValue,
  placeFlags,
} from './completion-spec.ts'

/** The completion of zsh; also as a file \`_tailproxy\` on its fpath. */
export function zshCompletion(): string {
  return `#compdef tailproxy
# zsh completion for tailproxy, made by: tailproxy completions zsh

# Of a list behind commas the last is completed.
_tailproxy_names() {
  compset -P '*,'
  local -a names=(\${(f)"$("$self" $place completions names $1 2>/dev/null)"})
  compadd -a names
}

_tailproxy_value() {
  case $1 in
${indent(4, valueCases())}
    *) _message 'a value' ;;
  esac
}

_tailproxy_program() {
  words=("\${(@)words[$1,-1]}")
  ((CURRENT -= $1 - 1))
  _normal
}

_tailproxy() {
  local self=$words[1] cur=$words[CURRENT] command= verb= at word name
  local -a place=() known flags
  for ((at = 2; at < CURRENT; at++)); do
    word=$words[at]
    if [[ $word == -- ]]; then
      _tailproxy_program $((at + 1))
      return
    fi
    if [[ $word == -?* ]]; then
      name=\${\${word#-}#-}
      case $name in
        (${placeFlags.map((name) => `${name}=*`).join('|')}) place+=(--$name) ;;
        (${flagsWithValue().join('|')})
          if ((at + 1 == CURRENT)); then
            _tailproxy_value $name
            return
          fi
          ((at++))
          case $name in (${placeFlags.join('|')}) place+=(--$name=$words[at]) ;; esac
          ;;
      esac
      continue
    fi
    if [[ -z $command ]]; then
      case $word in
        (${completedCommands.map(({ name }) => name).join('|')}) command=$word ;;
        (*)
          _tailproxy_program $at
          return
          ;;
      esac
    elif [[ $command == run || $command:$verb == lab:run ]]; then
      _tailproxy_program $at
      return
    elif [[ -z $verb ]]; then
      verb=$word
    fi
  done

  if [[ $cur == -*=* ]]; then
    name=\${\${cur%%=*}#-}
    compset -P '*='
    _tailproxy_value \${name#-}
    return
  fi
  if [[ $cur == -* ]]; then
    case $command in
${indent(6, flagCases())}
    esac
    _describe -o flag flags
    return
  fi
  case $command:$verb in
    (:)
      known=(
${indent(
  8,
  completedCommands.map(({ name, summary }) => quoted(`${name}:${summary}`)),
)}
      )
      _describe command known
      [[ -n $cur ]] && _command_names -e
      ;;
${indent(4, operandCases())}
  esac
}

if [[ $funcstack[1] == _tailproxy ]]; then
  _tailproxy "$@"
else
  compdef _tailproxy tailproxy
fi
`
}

function valueCases(): string[] {
  return completedFlags.flatMap(({ name, value }) =>
    value === undefined ? [] : `(${name}) ${valueWords(value)} ;;`,
  )
}

function valueWords(value: FlagValue): string {
  if (value === 'files') return '_files'
  if (value === 'directories') return '_files -/'
  return typeof value === 'string' ? `_tailproxy_names ${value}` : `compadd ${value.join(' ')}`
}

function flagCases(): string[] {
  return completedCommands.map(({ name }) => {
    const flags = flagsOf(name).map((flag) => quoted(`--${flag.name}:${flag.help}`))
    return `(${name === 'run' ? "run|''" : name}) flags=(${flags.join(' ')}) ;;`
  })
}

function operandCases(): string[] {
  return completedCommands.flatMap(({ name, verbs, operand }) => [
    ...(verbs.length > 0
      ? [`(${name}:) compadd ${verbs.map(({ word }) => word).join(' ')} ;;`]
      : []),
    ...(operand === 'programs' ? [`(${name}:*) _command_names -e ;;`] : []),
    ...verbs.flatMap(({ word, operand: names }) => {
      if (names === undefined) return []
      if (names !== 'programs') return [`(${name}:${word}) _tailproxy_names ${names} ;;`]
      return [`(${name}:${word}) _command_names -e ;;`]
    }),
  ])
}

/** As one word of a shell; a colon would end what _describe shows of it. */
function quoted(text: string): string {
  const [word = '', ...rest] = text.split(':')
  const help = rest.join('\\:')
  return `'${`${word}:${help}`.replaceAll("'", "'\\''")}'`
}

function indent(columns: number, lines: readonly string[]): string {
  return lines.map((line) => `${' '.repeat(columns)}${line}`).join('\n')
}
