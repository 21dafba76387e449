import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that sends what it is told to, and keeps the lines that it is answered. */
export class ControlClient {
  readonly socket: Socket
  #text = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.#text += text
    })
    socket.on('error', () => {})
  }

  static async open(path: string): Promise<ControlClient> {
    const socket = connect(path)
    await once(socket, 'connect')
    return new ControlClient(socket)
  }

  /** Has as many of them as are opened, until `use` is done with them. */
  static async lend(
    path: string,
    use: (open: () => Promise<ControlClient>) => Promise<void>,
  ): Promise<void> {
    const clients: ControlClient[] = []
    await use(async () => {
      const client = await ControlClient.open(path)
      clients.push(client)
      return client
    })
    for (const { socket } of clients) socket.destroy()
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text)
  }

  get lines(): string[] {
    return this.#text.split('\n').slice(0, -1)
  }

  /** The lines, once there are so many. */
  async answers(count: number): Promise<string[]> {
    while (this.lines.length < count) await once(this.socket, 'data')
    return this.lines
  }
}
