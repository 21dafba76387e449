import process from 'node:process'
import { listProfiles, type RawSettings } from '@tailproxy/config'
import type { SessionClient } from '@tailproxy/session/host'
import { bashCompletion } from '../lib/completions/bash.ts'
import { fishCompletion } from '../lib/completions/fish.ts'
import { zshCompletion } from '../lib/completions/zsh.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }
/** Milliseconds for a session to answer somebody who has pressed a key. */
const PATIENCE = 1_000

/** `tailproxy completions bash|zsh|fish`; what these print asks for `completions names KIND`. */
export async function completions(
  operands: readonly string[],
  raw: RawSettings,
): Promise<ChildExit> {
  const [what = '', kind, ...rest] = operands
  if (what === 'names' && kind !== undefined && rest.length === 0) {
    for (const name of await namesOf(kind, raw)) process.stdout.write(`${name}\n`)
    return { status: 0, signal: null }
  }
  if (!Object.hasOwn(SHELLS, what) || kind !== undefined) {
    throw new CommandLineError('completions needs the name of a shell: bash, zsh or fish')
  }
  process.stdout.write(SHELLS[what as keyof typeof SHELLS]())
  return { status: 0, signal: null }
}

/** What a session that runs knows; none is started for it, and one that is not up yet has no say. */
async function namesOf(kind: string, raw: RawSettings): Promise<string[]> {
  if (kind === 'profiles') return [...listProfiles(process.env), 'none']
  const client = await runningSession(raw, { signal: AbortSignal.timeout(PATIENCE) })
  if (!client || (await client.status()).state !== 'running') return []
  const names = await fullNamesOf(kind, client)
  const short = names.map((name) => name.split('.', 1)[0] ?? name)
  return kind === 'exit-nodes' ? ['auto', ...short] : short
}

async function fullNamesOf(kind: string, client: SessionClient): Promise<string[]> {
  switch (kind) {
    case 'exit-nodes':
      return (await client.exitNodes()).nodes.map(({ name }) => name)
    case 'peers':
      return (await client.peers()).map(({ name }) => name)
    default:
      throw new CommandLineError(`there are no names of ${kind}`)
  }
}
