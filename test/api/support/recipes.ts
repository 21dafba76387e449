import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { DockerfileParser, Keyword } from 'dockerfile-ast'
import { parse } from 'yaml'

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url))

export function readExample(name: string): string {
  return readFileSync(path.join(examples, name), 'utf8')
}

/** What the image of a Dockerfile starts, has in its environment, and is asked whether it is healthy. */
export interface Image {
  entrypoint: string[]
  command: string[]
  environment: Record<string, string>
  /** For a shell. */
  healthcheck: string
}

export function readImage(dockerfile: string): Image {
  const image = DockerfileParser.parse(dockerfile)
  const argumentsOf = (keyword: Keyword) =>
    image
      .getInstructions()
      .find((each) => each.getKeyword() === keyword)
      ?.getRawArgumentsContent() ?? ''
  const [, healthcheck = ''] = /CMD (.*)$/s.exec(argumentsOf(Keyword.HEALTHCHECK)) ?? []
  const properties = image.getENVs().flatMap((each) => each.getProperties())
  return {
    entrypoint: JSON.parse(argumentsOf(Keyword.ENTRYPOINT)) as string[],
    command: JSON.parse(argumentsOf(Keyword.CMD)) as string[],
    environment: Object.fromEntries(
      properties.map((each) => [each.getName(), each.getValue() ?? '']),
    ),
    healthcheck,
  }
}

interface Step {
  run?: string
  env?: Record<string, string>
}

export interface Action {
  inputs: Record<string, { default?: string }>
  runs: { steps: [Step] }
}

export function readAction(): Action {
  return parse(readExample('github-action/action.yml')) as Action
}

/** What stands behind `tailproxy`, or its package's name, wherever a file has it at the start of a command. */
export function commandLinesOf(text: string): string[][] {
  const commands =
    /(?:^|[|;&`]|-- |exec \w+ |npx |--yes |ExecStart=)\s*"?(?:tailproxy|@tailproxy\/cli(?:@[\d.]+)?|\$PACKAGE)"?(?= )([^|;#`\n]*)/gm
  return [...text.matchAll(commands)].map(([, words = '']) => wordsOf(words))
}

/** As a shell would split them, without its expansions. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|\S+/g)].map(
    ([word, double, single]) => double ?? single ?? word,
  )
}

/** Every variable of ours that a text names. */
export function variablesOf(text: string): string[] {
  return [...new Set(text.match(/\bTAILPROXY_[A-Z_]+\b/g) ?? [])]
}
