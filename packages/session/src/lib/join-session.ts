import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import type { RawSettings } from '@tailproxy/config/collect'
import { SessionAwayError, SessionRefusedError } from './errors.ts'
import type { JoinRequest, RunEvent, RunJoined, RunWaits, SessionReady } from './run-messages.ts'
import { SESSION_API } from './session-api.ts'

export interface JoinOptions {
  /** Called with how far the node is, while it is not up. */
  onWait?: (progress: RunWaits) => void
  signal?: AbortSignal
}

/** A command's place in a session. */
export interface JoinedRun {
  readonly joined: RunJoined
  /** What happens to the session from now on; ends with the session. */
  events(): AsyncIterable<RunEvent>
  /** The command has ended. */
  leave(): void
}

/**
 * Joins the session at a socket. Nothing here is checked against a schema: the socket is in a
 * directory of our user alone, and a command that is started for a moment cannot load one.
 *
 * @throws {SessionAwayError} when nobody is there, or who is there says nothing
 * @throws {SessionRefusedError} when the session does not take the run
 */
export async function joinSession(
  socket: string,
  join: JoinRequest,
  options?: JoinOptions,
): Promise<JoinedRun> {
  const { event, lines, leave } = await converse(socket, '/v1/runs', join, 'joined', options)
  return { joined: event, events: () => lines, leave }
}

/**
 * Waits until the node of the session at a socket is up.
 *
 * @throws {SessionAwayError} @throws {SessionRefusedError} as {@link joinSession}
 */
export async function awaitReady(
  socket: string,
  settings: RawSettings,
  options?: JoinOptions,
): Promise<SessionReady> {
  const { event, leave } = await converse(socket, '/v1/ready', { settings }, 'ready', options)
  leave()
  return event
}

type EventNamed<Name> = Extract<RunEvent, { event: Name }>

interface Conversation<Name> {
  event: EventNamed<Name>
  lines: AsyncGenerator<RunEvent, undefined>
  leave: () => void
}

/** Asks, and tells how far the node is until the awaited event comes. */
export async function converse<Name extends 'joined' | 'ready'>(
  socket: string,
  path: string,
  body: object,
  awaited: Name,
  { onWait, signal }: JoinOptions = {},
): Promise<Conversation<Name>> {
  const text = JSON.stringify(body)
  const asked = request({
    ...{ method: 'POST', path },
    // One question a command, and no agent for it: a connection that is kept would keep the process, and
    // an agent has Node compile its pattern of addresses first, which takes 5 ms.
    createConnection: () => connect(socket),
    headers: { 'tailproxy-session': SESSION_API, 'content-length': Buffer.byteLength(text) },
  })
  const stop = (): void => void asked.destroy(signal?.reason as Error)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const lines = readLines(await ask(asked, text))
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('it ended without an answer')
      if (value.event === 'state') onWait?.(value)
      if (value.event === 'refused') throw new SessionRefusedError(value.code, value.message)
      if (value.event === 'ended') throw new SessionRefusedError('unavailable', value.message)
      if (value.event === awaited) {
        return { event: value as EventNamed<Name>, lines, leave: () => void asked.destroy() }
      }
    }
  } catch (cause) {
    asked.destroy()
    signal?.throwIfAborted()
    if (cause instanceof SessionRefusedError) throw cause
    throw new SessionAwayError(socket, { cause })
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

async function ask(asked: ClientRequest, text: string): Promise<IncomingMessage> {
  asked.end(text)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  // A connection that breaks later ends the lines.
  asked.on('error', () => {})
  if (response.statusCode === 200) return response
  const body = JSON.parse(await textOf(response)) as { error: { code: string; message: string } }
  throw new SessionRefusedError(body.error.code, body.error.message)
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

/** Ends where the connection does, however that ends. */
async function* readLines(response: IncomingMessage): AsyncGenerator<RunEvent, undefined> {
  let rest = ''
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line) as RunEvent
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
  return undefined
}
