import { connect, isIPv6, type Socket } from 'node:net'

export interface DialOptions {
  host: string
  port: number
  /** What `host` stands for; without it `host` is looked up by Node. */
  addresses?: readonly string[] | undefined
  /** @default true */
  allowHalfOpen?: boolean | undefined
  signal: AbortSignal
}

/**
 * Connects by net.connect: to the addresses of a name in turn, as Node's autoSelectFamily does.
 * @throws Node's error of the connection, or the signal's reason
 */
export function dial(options: DialOptions): Promise<Socket> {
  const { host, port, addresses, allowHalfOpen = true, signal } = options
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const found = addresses?.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
    const socket = connect({
      host,
      port,
      allowHalfOpen,
      autoSelectFamily: true,
      noDelay: true,
      ...(found && { lookup: (_name, _options, callback) => callback(null, found) }),
    })
    const stopListening = () => {
      signal.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect).off('error', onError)
    }
    const onConnect = () => {
      stopListening()
      resolve(socket)
    }
    const onError = (error: unknown) => {
      stopListening()
      socket.on('error', () => {}).destroy()
      reject(error)
    }
    const onAbort = () => onError(signal.reason)
    signal.addEventListener('abort', onAbort)
    socket.once('connect', onConnect).once('error', onError)
  })
}
