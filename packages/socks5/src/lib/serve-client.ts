import { withDeadline } from './abortable.ts'
import type { ClientConnection } from './client-connection.ts'
import { TimeoutError } from './errors.ts'
import { negotiate, type Outcome } from './negotiate.ts'
import { replyCodeOf } from './reply-code.ts'
import { serveAssociate } from './serve-associate.ts'
import { serveBind } from './serve-bind.ts'
import { serveDial } from './serve-dial.ts'
import { serveResolve } from './serve-resolve.ts'
import { DEFAULT_HANDSHAKE_TIMEOUT, type Socks5ServerOptions } from './server-options.ts'
import { createServerSession } from './server-session.ts'
import { type ClientReport, Service } from './service.ts'

/** Serves a client until its socket is closed. Never rejects. */
export async function serveClient(
  client: ClientConnection,
  options: Socks5ServerOptions,
  report: ClientReport,
): Promise<void> {
  const { authenticate, authentication = authenticate ? 'password' : 'none', commands } = options
  const session = createServerSession({ authentication, ...(commands && { commands }) })
  const { socket } = client
  try {
    const milliseconds = options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT
    const outcome = await withDeadline(
      (signal) =>
        negotiate(client, session, { authenticate: authenticate ?? (() => false), signal }),
      {
        signal: client.signal,
        milliseconds,
        error: () => new TimeoutError('SOCKS5 handshake', milliseconds),
      },
    )
    await serve(outcome)
  } catch (error) {
    report.failed(client.info, error)
    socket.destroy()
  }
  // Not once(): that rejects when there is an 'error' first, as after a reset.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))

  async function serve(outcome: Outcome): Promise<void> {
    if (outcome.type === 'close') {
      report.failed(client.info, outcome.error)
      return client.writeLast(outcome.bytes)
    }
    try {
      client.awaitReply(outcome.leftover)
      await serveRequest(new Service(client, session, options, report), outcome)
    } catch (error) {
      // To a client that has left there is nothing to say.
      client.signal.throwIfAborted()
      report.failed(client.info, error)
      client.writeLast(session.failed(replyCodeOf(error)).bytes)
    }
  }
}

function serveRequest(
  service: Service,
  action: Exclude<Outcome, { type: 'close' }>,
): Promise<void> {
  switch (action.type) {
    case 'dial':
      return serveDial(service, action)
    case 'bind':
      return serveBind(service, action)
    case 'associate':
      return serveAssociate(service, action)
    case 'resolve':
      return serveResolve(service, action)
  }
}
