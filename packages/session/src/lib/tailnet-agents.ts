import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Opens a connection into the tailnet. */
export type DialTarget = (target: { host: string; port: number }) => Promise<Socket>

type Created = (error: Error | null, stream: Duplex) => void

/** Where a request goes, as Node's agents tell it. */
interface RequestTarget {
  host?: string | null | undefined
  port?: number | string | null | undefined
  socketPath?: string | null | undefined
}

/** An agent of `node:http` whose connections are made in the tailnet, and nowhere else. */
export class TailnetAgent extends http.Agent {
  readonly #dial: DialTarget

  constructor(dial: DialTarget, options?: http.AgentOptions) {
    super(options)
    this.#dial = dial
  }

  override createConnection(options: http.ClientRequestArgs, created?: Created): undefined {
    dialFor(options, this.#dial).then((socket) => created?.(null, socket), failing(created))
  }
}

/** One of `node:https`: TLS ends in this process, and the other end's name is checked as ever. */
export class TailnetHttpsAgent extends https.Agent {
  readonly #dial: DialTarget

  constructor(dial: DialTarget, options?: https.AgentOptions) {
    super(options)
    this.#dial = dial
  }

  override createConnection(options: https.RequestOptions, created?: Created): undefined {
    dialFor(options, this.#dial)
      // Node's own resumes TLS sessions, and takes a socket that is connected already.
      .then((socket) => super.createConnection({ ...options, socket } as https.RequestOptions))
      .then((socket) => created?.(null, socket as Duplex), failing(created))
  }
}

async function dialFor({ host, port, socketPath }: RequestTarget, dial: DialTarget) {
  // A path is one of this host: to connect to it would be to leave the tailnet without a word.
  if (socketPath) throw new TypeError(`${socketPath} is a socket of this host, not of the tailnet`)
  return dial({ host: host ?? 'localhost', port: Number(port) })
}

function failing(created: Created | undefined): (error: Error) => void {
  // Node's types have it that there is a stream all the same.
  return (error) => (created as ((error: Error) => void) | undefined)?.(error)
}
