import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test as base, vi } from 'vitest'
import type { SocksAddress } from '../lib/address.ts'
import { encodeCredentials } from '../lib/credentials.ts'
import { encodeGreeting } from '../lib/greeting.ts'
import { concat, EMPTY } from '../lib/octets.ts'
import { ExactReader } from '../lib/read-exactly.ts'
import { decodeReply, type Reply } from '../lib/reply.ts'
import { encodeRequest } from '../lib/request.ts'
import { createSocks5Server, type Socks5Server } from '../lib/server.ts'
import type { Socks5ServerOptions } from '../lib/server-options.ts'

/** Containers often have none. */
export const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1')

/** A socket for tests: reads by number of bytes. */
class Peer {
  readonly socket: Socket
  readonly #reader: ExactReader

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    this.#reader = new ExactReader(socket, new AbortController().signal)
  }

  send(...parts: readonly (Uint8Array | string)[]): this {
    this.socket.write(concat(...parts.map((part) => Buffer.from(part))))
    return this
  }

  async read(length: number): Promise<number[]> {
    return [...(await this.#reader.read(length))]
  }

  async readText(length: number): Promise<string> {
    return Buffer.from(await this.read(length)).toString()
  }

  async readReply(): Promise<Reply> {
    let bytes: Uint8Array = EMPTY
    for (;;) {
      const decoded = decodeReply(bytes)
      if (decoded.done) return decoded.message
      bytes = concat(bytes, Uint8Array.from(await this.read(decoded.needed)))
    }
  }

  /** Whether the other end has finished what it sends. */
  async ended(): Promise<boolean> {
    return this.read(1).then(
      () => false,
      () => this.socket.readableEnded,
    )
  }

  /** Reads all there is until the other end has finished or broken it. */
  async drained(): Promise<void> {
    const more = () =>
      this.read(1).then(
        () => true,
        () => false,
      )
    while (await more());
  }

  async reset(): Promise<boolean> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once('close', resolve))
    return this.socket.errored !== null && 'code' in this.socket.errored
      ? this.socket.errored.code === 'ECONNRESET'
      : false
  }
}

export const greeting = encodeGreeting({ methods: [0] })

export function connectRequest({ host, port }: { host: string; port: number }): Uint8Array {
  return encodeRequest({ command: 'connect', destination: { type: 'ipv4', host, port } })
}

export function connectByName(host: string, port: number): Uint8Array {
  return encodeRequest({ command: 'connect', destination: { type: 'domain', host, port } })
}

export function login(username: string, password: string): Uint8Array {
  return concat(encodeGreeting({ methods: [0, 2] }), encodeCredentials({ username, password }))
}

/** A TCP server under test's control: hands out its connections in order. */
export interface Target extends SocksAddress {
  accept(): Promise<Peer>
}

interface Fixtures {
  /** Starts a proxy that ends with the test. */
  startProxy: (options?: Socks5ServerOptions) => Promise<{ proxy: Socks5Server; at: SocksAddress }>
  /** Opens a raw connection that ends with the test. */
  open: (address: { host: string; port: number }) => Promise<Peer>
  target: Target
  echo: SocksAddress
}

export const test = base.extend<Fixtures>({
  startProxy: async ({}, use) => {
    const proxies: Socks5Server[] = []
    await use(async (options) => {
      const proxy = createSocks5Server(options)
      proxies.push(proxy)
      return { proxy, at: await proxy.listen() }
    })
    await Promise.all(proxies.map((proxy) => proxy.close({ immediate: true })))
  },
  open: async ({}, use) => {
    const sockets: Socket[] = []
    await use(async ({ host, port }) => {
      const socket = connect({ host, port, allowHalfOpen: true })
      sockets.push(socket)
      await once(socket, 'connect')
      return new Peer(socket)
    })
    for (const socket of sockets) socket.destroy()
  },
  target: async ({}, use) => {
    const waiting: Peer[] = []
    const { server, address, stop } = await listen((socket) => waiting.push(new Peer(socket)))
    await use({
      ...address,
      accept: async () => {
        if (waiting.length === 0) await once(server, 'connection')
        return vi.waitUntil(() => waiting.shift())
      },
    })
    await stop()
  },
  echo: async ({}, use) => {
    const { address, stop } = await listen((socket) => {
      socket.on('error', () => {}).pipe(socket)
    })
    await use(address)
    await stop()
  },
})

async function listen(serve: (socket: Socket) => void): Promise<{
  server: Server
  address: SocksAddress
  stop: () => Promise<void>
}> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    serve(socket)
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    server,
    address: { type: 'ipv4', host: '127.0.0.1', port },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Promise.withResolvers() of later Nodes. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
