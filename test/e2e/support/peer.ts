import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { type Policy, type Run, Session, sidecarEnvironment } from '@tailproxy/session'
import { findSidecar } from '@tailproxy/sidecar'
import { connectSocks5 } from '@tailproxy/socks5/client'

const POLICY: Policy = { onlyTailnet: true, bypass: [], udp: 'proxy' }

/** Another node of the tailnet, from which exports are reached. */
export class Peer {
  readonly #session: Session
  readonly #run: Run
  readonly #directory: string

  private constructor(session: Session, run: Run, directory: string) {
    this.#session = session
    this.#run = run
    this.#directory = directory
  }

  static async join(controlUrl: string, hostname = 'peer'): Promise<Peer> {
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-peer-'))
    const session = await Session.open({
      sidecar: findSidecar(),
      env: sidecarEnvironment(process.env, { lab: true }),
      hostname,
      stateDirectory: path.join(directory, 'state'),
      controlUrl,
    })
    return new Peer(session, await session.register('peer', POLICY), directory)
  }

  get addresses(): readonly string[] {
    return this.#session.node.addresses
  }

  /** @throws with the SOCKS5 reply of what the tailnet said */
  connect(host: string, port: number): Promise<Socket> {
    const { host: proxy, port: at } = this.#session
    return connectSocks5({
      proxy: { host: proxy, port: at },
      credentials: { username: this.#run.user, password: this.#run.password },
      destination: { host, port },
    })
  }

  /** What is answered to `GET path`. */
  async get(host: string, port: number, where = '/'): Promise<string> {
    const socket = await this.connect(host, port)
    // What becomes of the connection after the answer is nobody's matter.
    socket.on('error', () => {})
    const agent = new Agent()
    agent.createConnection = () => socket
    const headers = { host: 'export', connection: 'close' }
    const asked = request({ path: where, headers, agent })
    asked.end()
    const [response] = await once(asked, 'response')
    return text(response)
  }

  /** Sends bytes and the end, and resolves to all that comes back. */
  async exchange(host: string, port: number, bytes: string): Promise<string> {
    const socket = await this.connect(host, port)
    socket.end(bytes)
    return text(socket)
  }

  async leave(): Promise<void> {
    await this.#session.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
