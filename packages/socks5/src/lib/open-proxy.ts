import { Duplex } from 'node:stream'
import { withDeadline } from './abortable.ts'
import type { SocksAddress } from './address.ts'
import { setBoundAddress } from './bound-address.ts'
import { shakeHands } from './client-handshake.ts'
import {
  DEFAULT_CONNECT_TIMEOUT,
  type ProxyAddress,
  type Socks5ClientOptions,
} from './client-options.ts'
import { createClientSession } from './client-session.ts'
import type { Command } from './constants.ts'
import { dial } from './dial.ts'
import { ProxyError, TimeoutError } from './errors.ts'
import type { Reply } from './reply.ts'

export interface Opened {
  stream: Duplex
  reply: Reply
}

interface OpenOptions extends Socks5ClientOptions {
  allowHalfOpen?: boolean
}

/** Reaches the proxy and has one request granted. Leaves nothing open if it fails. */
export async function openProxy(
  options: OpenOptions,
  request: { command: Command; destination: SocksAddress },
): Promise<Opened> {
  const { proxy, credentials, optimistic = false, timeout = DEFAULT_CONNECT_TIMEOUT } = options
  try {
    // Before anything is sent: what cannot be encoded throws here.
    const session = createClientSession({ ...request, credentials, optimistic })
    return await withDeadline(
      async (signal) => {
        const stream = proxy instanceof Duplex ? proxy : await reach(proxy, options, signal)
        try {
          const reply = await shakeHands(stream, session, signal)
          setBoundAddress(stream, reply.bound)
          return { stream, reply }
        } catch (error) {
          discard(stream)
          throw error
        }
      },
      {
        signal: options.signal,
        milliseconds: timeout,
        error: () => new TimeoutError(`SOCKS5 proxy ${describe(proxy)}`, timeout),
      },
    )
  } catch (error) {
    if (proxy instanceof Duplex) discard(proxy)
    throw error
  }
}

async function reach(
  { host = '127.0.0.1', port }: ProxyAddress,
  { allowHalfOpen = false }: OpenOptions,
  signal: AbortSignal,
): Promise<Duplex> {
  try {
    return await dial({ host, port, allowHalfOpen, signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw new ProxyError(`${host}:${port}`, { cause })
  }
}

function discard(stream: Duplex): void {
  // An error on the way down is of no interest: there is a better one already.
  if (!stream.destroyed) stream.on('error', () => {}).destroy()
}

function describe(proxy: ProxyAddress | Duplex): string {
  return proxy instanceof Duplex ? 'over a stream' : `${proxy.host ?? '127.0.0.1'}:${proxy.port}`
}
