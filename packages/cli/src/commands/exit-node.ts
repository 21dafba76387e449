import process from 'node:process'
import { describeOrigin, type RawSettings } from '@tailproxy/config'
import type { SessionExitNode, SessionExitNodes } from '@tailproxy/session/host'
import { columns } from '../lib/columns.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { inReadySession } from '../lib/in-session.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { say, showProgress } from '../lib/terminal.ts'

const OK: ChildExit = { status: 0, signal: null }
const FAILED: ChildExit = { status: 1, signal: null }

interface Options {
  json: boolean
}

/** `tailproxy exit-node`, with ls, set, auto, off or suggest. */
export async function exitNode(
  operands: readonly string[],
  raw: RawSettings,
  options: Options,
): Promise<ChildExit> {
  const [verb = 'ls', ...rest] = operands
  if (verb === 'set') return choose(namesOf(rest), raw, options)
  if (rest.length > 0) throw new CommandLineError(`exit-node ${verb} takes no "${rest[0]}"`)
  switch (verb) {
    case 'ls':
      return list(raw, options)
    case 'auto':
      return choose(['auto'], raw, options)
    case 'off':
      return choose([], raw, options)
    case 'suggest':
      return suggest(raw, options)
    default:
      throw new CommandLineError(
        `exit-node has no "${verb}"; use ls, set NODE…, auto, off or suggest`,
      )
  }
}

function namesOf(operands: readonly string[]): string[] {
  const names = operands.flatMap((operand) => operand.split(',')).map((name) => name.trim())
  const given = names.filter(Boolean)
  if (given.length > 0) return given
  throw new CommandLineError(
    'exit-node set needs a node: tailproxy exit-node set NODE (tailproxy exit-node off for none)',
  )
}

async function choose(
  nodes: readonly string[],
  raw: RawSettings,
  { json }: Options,
): Promise<ChildExit> {
  const lanAccess = raw.exitNodeLanAccess?.value === true
  const { exitNode: inSettings, exitNodeLanAccess, ...others } = raw
  // A session that has to be started begins with the choice: what settings say may be what is down.
  const begin: RawSettings = {
    ...raw,
    exitNode: { value: nodes, origin: { kind: 'flag', name: 'exit-node' } },
  }
  const chosen = await inReadySession(
    begin,
    async ({ client }) => {
      const progress = showProgress('setting the exit node')
      try {
        return await client.setExitNode(nodes, { lanAccess })
      } finally {
        progress.done()
      }
    },
    others,
  )
  if (inSettings && String(inSettings.value) !== String(nodes)) {
    say(`${describeOrigin(inSettings.origin)} is "${inSettings.value}": the next session has that`)
  }
  process.stdout.write(
    json ? `${JSON.stringify({ exitNode: chosen ?? null })}\n` : describeChoice(chosen),
  )
  return OK
}

function describeChoice(chosen: SessionExitNode | undefined): string {
  return chosen
    ? `${chosen.name} is the exit node, and answers\n`
    : 'no exit node: what is not for the tailnet leaves from this host\n'
}

async function list(raw: RawSettings, { json }: Options): Promise<ChildExit> {
  const found = await inReadySession(raw, ({ client }) => client.exitNodes())
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : describe(found))
  return OK
}

function describe({ nodes, exitNode: current }: SessionExitNodes): string {
  if (nodes.length === 0) {
    return 'this tailnet has no exit nodes: none of its nodes offers to be one and is approved\n'
  }
  const rows = nodes.map(({ selected, name, addresses, online, location }) => [
    selected ? '*' : ' ',
    name,
    addresses[0] ?? '-',
    stateOf(online, selected ? current : undefined),
    [location?.city, location?.country].filter(Boolean).join(', ') || '-',
  ])
  return columns([[' ', 'NAME', 'ADDRESS', 'STATE', 'WHERE'], ...rows])
}

function stateOf(online: boolean, current: SessionExitNodes['exitNode']): string {
  if (current?.state === 'down') return `down (${current.reason ?? 'it does not answer'})`
  return online ? 'online' : 'offline'
}

async function suggest(raw: RawSettings, { json }: Options): Promise<ChildExit> {
  const node = await inReadySession(raw, ({ client }) => client.suggestExitNode())
  if (json) process.stdout.write(`${JSON.stringify({ node: node ?? null })}\n`)
  else if (node) process.stdout.write(`${node.name}\n`)
  else say('there is no exit node to suggest; tailproxy exit-node ls shows those there are')
  return node ? OK : FAILED
}
