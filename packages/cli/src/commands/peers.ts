import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawSettings } from '@tailproxy/config'
import { type SessionClient, SessionRefusedError } from '@tailproxy/session/host'
import { describePath, describePeers } from '../lib/describe-peers.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { inReadySession } from '../lib/in-session.ts'
import type { ChildExit } from '../lib/run-child.ts'

/** What a ping that nobody answered exits with, as ping(8) does. */
const UNANSWERED = 1
const DEFAULT_COUNT = 4
const MOST = 10_000
/** Milliseconds for an answer, and from one question to the next. */
const TIMEOUT = 5_000
const PAUSE = 1_000

interface Options {
  json: boolean
  own: { count?: string | undefined }
}

/** `tailproxy peers`, and `peers ping NAME`. */
export async function peers(
  operands: readonly string[],
  raw: RawSettings,
  options: Options,
): Promise<ChildExit> {
  const [verb = 'ls', name, ...rest] = operands
  if (verb === 'ping') {
    if (name === undefined || rest.length > 0) {
      throw new CommandLineError('peers ping needs one peer: tailproxy peers ping NAME')
    }
    return ping(name, countOf(options), raw, options)
  }
  if (verb !== 'ls') {
    throw new CommandLineError(`peers has no "${verb}"; use tailproxy peers, or peers ping NAME`)
  }
  if (name !== undefined) throw new CommandLineError(`peers ls takes no "${name}"`)
  if (options.own.count !== undefined) throw new CommandLineError('--count is for peers ping')
  const found = await inReadySession(raw, ({ client }) => client.peers())
  process.stdout.write(
    options.json ? `${JSON.stringify({ peers: found })}\n` : describePeers(found),
  )
  return { status: 0, signal: null }
}

function countOf({ own: { count } }: Options): number {
  const wanted = Number(count ?? DEFAULT_COUNT)
  if (Number.isSafeInteger(wanted) && wanted > 0 && wanted <= MOST) return wanted
  throw new CommandLineError(`--count is "${count}"; allowed is a number from 1 to ${MOST}`)
}

function ping(
  name: string,
  count: number,
  raw: RawSettings,
  { json }: Options,
): Promise<ChildExit> {
  return inReadySession(raw, async ({ client }, signal) => {
    let answered = 0
    for (let sent = 0; sent < count; sent += 1) {
      if (sent > 0) await delay(PAUSE, undefined, { signal }).catch(() => signal.throwIfAborted())
      if (await pingOnce(client, name, json)) answered += 1
    }
    return { status: answered > 0 ? 0 : UNANSWERED, signal: null }
  })
}

/** @returns whether it was answered */
async function pingOnce(client: SessionClient, peer: string, json: boolean): Promise<boolean> {
  try {
    const answer = await client.ping(peer, TIMEOUT)
    const { name, address, latencyMs, path } = answer
    const text = `${name} (${address}): ${latencyMs.toFixed(latencyMs < 10 ? 2 : 1)} ms, ${describePath(path)}`
    process.stdout.write(`${json ? JSON.stringify(answer) : text}\n`)
    return true
  } catch (error) {
    if (!(error instanceof SessionRefusedError) || error.reason !== 'timed-out') throw error
    const unanswered = json ? JSON.stringify({ name: peer, error: 'timed-out' }) : error.message
    process.stdout.write(`${unanswered}\n`)
    return false
  }
}
