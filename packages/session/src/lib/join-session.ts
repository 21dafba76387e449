import { connect, type Socket } from 'node:net'
import type { RawSettings } from '@tailproxy/config/collect'
import { SessionAwayError, SessionRefusedError } from './errors.ts'
import type { JoinRequest, RunEvent, RunJoined, RunWaits, SessionReady } from './run-messages.ts'
import { SESSION_API } from './session-api.ts'

export interface JoinOptions {
  /** Called with how far the node is, while it is not up. */
  onWait?: (progress: RunWaits) => void
  /** Called when the question is on its way: there is time for something else. */
  onAsked?: () => void
  signal?: AbortSignal
}

/** What every wait for a node needs. */
export type JoinWait = Required<Pick<JoinOptions, 'onWait' | 'signal'>>

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
  const { event, events, leave } = await converse(socket, '/v1/runs', join, 'joined', options)
  return { joined: event, events: () => events, leave }
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
  events: AsyncGenerator<RunEvent, undefined>
  leave: () => void
}

/** Asks, and tells how far the node is until the awaited event comes. */
export async function converse<Name extends 'joined' | 'ready'>(
  socket: string,
  path: string,
  body: object,
  awaited: Name,
  { onWait, onAsked, signal }: JoinOptions = {},
): Promise<Conversation<Name>> {
  const connection = connect(socket).setEncoding('utf8')
  // Whoever reads hears of it.
  connection.on('error', () => {})
  const stop = (): void => void connection.destroy(signal?.reason as Error)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const answer = ask(connection, path, JSON.stringify(body))
    // Behind the listener that writes.
    if (onAsked) connection.once('connect', onAsked)
    const events = await answer
    for (;;) {
      const { value, done } = await events.next()
      if (done) throw new Error(NO_ANSWER)
      if (value.event === 'state') onWait?.(value)
      if (value.event === 'refused') throw new SessionRefusedError(value.code, value.message)
      if (value.event === 'ended') throw new SessionRefusedError('unavailable', value.message)
      if (value.event === awaited) {
        const leave = (): void => void connection.destroy()
        return { event: value as EventNamed<Name>, events, leave }
      }
    }
  } catch (cause) {
    connection.destroy()
    signal?.throwIfAborted()
    if (cause instanceof SessionRefusedError) throw cause
    throw new SessionAwayError(socket, { cause })
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

const NO_ANSWER = 'it ended without an answer'

/**
 * Asks in HTTP/1.0 (RFC 1945), where an answer is what comes until the connection ends. By hand: loading
 * `node:http` would take a tenth of a command's start.
 */
async function ask(
  connection: Socket,
  path: string,
  body: string,
): Promise<AsyncGenerator<RunEvent, undefined>> {
  const head = [
    `POST ${path} HTTP/1.0`,
    `Tailproxy-Session: ${SESSION_API}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  connection.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  const lines = readLines(connection)
  const status = await readHead(lines)
  if (status === 200) return readEvents(lines)
  let text = ''
  for (;;) {
    const { value, done } = await lines.next()
    text += value
    if (!done) continue
    const { error } = JSON.parse(text) as { error: { code: string; message: string } }
    throw new SessionRefusedError(error.code, error.message)
  }
}

/** Reads the status line and the headers, none of which matters. @returns the status code */
async function readHead(lines: AsyncGenerator<string, string>): Promise<number> {
  let status: number | undefined
  for (;;) {
    const { value, done } = await lines.next()
    if (done) throw new Error(NO_ANSWER)
    status ??= Number(/^HTTP\/1\.[01] (\d{3})(?: |\r?$)/.exec(value)?.[1])
    if (Number.isNaN(status)) throw new Error('it answers, but not in HTTP')
    if (value === '\r' || value === '') return status
  }
}

async function* readEvents(
  lines: AsyncGenerator<string, string>,
): AsyncGenerator<RunEvent, undefined> {
  for await (const line of lines) yield JSON.parse(line) as RunEvent
  return undefined
}

/**
 * Ends where the connection does: by its end, because it breaks, because we leave. By events: the first
 * asynchronous iterator of a stream costs a command two milliseconds.
 *
 * @returns what came after the last line
 * @throws what kept it from being made
 */
async function* readLines(connection: Socket): AsyncGenerator<string, string> {
  let wake = (): void => {}
  connection.on('readable', () => wake()).on('close', () => wake())
  let rest = ''
  let hasAnswered = false
  for (;;) {
    const chunk: string | null = connection.read()
    if (chunk !== null) {
      hasAnswered = true
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    } else if (connection.destroyed) {
      const { errored } = connection
      const isReset = (errored as NodeJS.ErrnoException | null)?.code === 'ECONNRESET'
      // Before it has answered it was leaving, and has taken nothing of what was asked.
      if (errored && !(isReset && hasAnswered)) throw errored
      return rest
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}
