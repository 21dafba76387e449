import { once } from 'node:events'
import { type Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, type Tailnet } from '@tailproxy/session'

/** Another node of the tailnet, from which exports are reached. */
export class Peer {
  readonly #tailnet: Tailnet
  readonly #agent: Agent

  private constructor(tailnet: Tailnet) {
    this.#tailnet = tailnet
    this.#agent = tailnet.agent()
  }

  static async join(controlUrl: string, hostname = 'peer'): Promise<Peer> {
    return new Peer(await connect({ hostname, controlUrl, ephemeral: true }))
  }

  get addresses(): readonly string[] {
    return this.#tailnet.node.addresses
  }

  /** @throws {DialError} with the SOCKS5 reply of what the tailnet said */
  connect(host: string, port: number): Promise<Socket> {
    return this.#tailnet.dial({ host, port })
  }

  /** What is answered to `GET path`. */
  async get(host: string, port: number, where = '/'): Promise<string> {
    const headers = { host: 'export', connection: 'close' }
    const asked = request({ host, port, path: where, headers, agent: this.#agent })
    asked.end()
    const [response] = await once(asked, 'response')
    // What becomes of the connection after the answer is nobody's matter.
    asked.on('error', () => {})
    return text(response)
  }

  /** Sends bytes and the end, and resolves to all that comes back. */
  async exchange(host: string, port: number, bytes: string): Promise<string> {
    const socket = await this.connect(host, port)
    socket.end(bytes)
    return text(socket)
  }

  leave(): Promise<void> {
    return this.#tailnet.close()
  }
}
