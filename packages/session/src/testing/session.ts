import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { resolveSettings, type SettingSources } from '@tailproxy/config'
import { type FakeSidecarBehaviour, fakeSidecar } from '@tailproxy/sidecar/fake'
import { test as base } from 'vitest'
import type { Policy, Run } from '../lib/run.ts'
import { Session } from '../lib/session.ts'
import { SessionHost, type SessionHostOptions } from '../lib/session-host.ts'
import type { SessionOptions } from '../lib/session-options.ts'

type Open = (
  behaviour?: FakeSidecarBehaviour,
  options?: Partial<SessionOptions>,
) => Promise<Session>

type OpenHost = (
  behaviour?: FakeSidecarBehaviour,
  flags?: NonNullable<SettingSources['flags']>,
  options?: Partial<SessionHostOptions>,
) => Promise<SessionHost>

/** Tests with sessions on fake sidecars: real SOCKS5, and loopback in place of a tailnet. */
export const test = base.extend<{
  directory: string
  open: Open
  /** A loopback server that sends back what it gets, and half-closes when its client does. */
  echo: string
}>({
  directory: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'session-'))
    await use(directory)
    rmSync(directory, { recursive: true })
  },
  open: async ({ directory }, use) => {
    const opened: Session[] = []
    await use(async (behaviour, options) => {
      const { binary, args, env } = fakeSidecar(behaviour)
      const session = await Session.open({
        sidecar: binary,
        sidecarArgs: args,
        env,
        hostname: 'laptop',
        stateDirectory: path.join(directory, `state-${opened.length}`),
        ...options,
      })
      opened.push(session)
      return session
    })
    await Promise.all(opened.map((session) => session.close()))
  },
  echo: async ({}, use) => {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await listening(server)
    await use(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    for (const socket of sockets) socket.destroy()
    server.close()
  },
})

/** Sessions that commands are served, on fake sidecars. Their state is in `directory`. */
export const hostTest = test.extend<{ host: OpenHost }>({
  host: async ({ directory }, use) => {
    const hosts: SessionHost[] = []
    await use(async (behaviour = {}, flags = {}, options = {}) => {
      const { binary, args, env } = fakeSidecar(behaviour)
      const stateDir = path.join(directory, 'state')
      const resolved = await resolveSettings({ flags: { stateDir, ...flags }, env: {} })
      const basics = { sidecar: binary, sidecarArgs: args, env, cwd: directory }
      const host = await SessionHost.open({ ...basics, resolved, ...options })
      hosts.push(host)
      return host
    })
    await Promise.all(hosts.map((host) => host.close()))
  },
})

export const POLICY: Policy = { onlyTailnet: false, bypass: [], udp: 'proxy' }

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
}

/** What a SOCKS5 client of ours needs to use a session as this run. */
export function clientOf(session: Session, { user, password }: Run) {
  return {
    proxy: { host: session.host, port: session.port },
    credentials: { username: user, password },
  }
}

/** A client that says exactly what it is told, byte for byte. */
export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => {}
  /** Resolves when the connection is closed, with whether it was reset. */
  readonly closed: Promise<'ended' | 'reset'>

  constructor({ host, port }: Session) {
    this.socket = connect({ host, port, allowHalfOpen: true })
    let reset = false
    this.socket.on('error', () => {
      reset = true
    })
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => resolve(reset ? 'reset' : 'ended'))
    })
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake()
    })
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.#ended = true
        this.#wake()
      })
    }
  }

  write(...bytes: (Uint8Array | readonly number[])[]): void {
    this.socket.write(Buffer.concat(bytes.map((part) => Buffer.from(part))))
  }

  /** The next `length` bytes; fewer only if the other side ended. */
  async read(length: number): Promise<Buffer> {
    while (this.#received.length < length && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const bytes = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return bytes
  }

  /** All that comes until the other side ends. */
  async readAll(): Promise<Buffer> {
    const bytes = await this.read(Number.POSITIVE_INFINITY)
    this.socket.end()
    return bytes
  }
}
