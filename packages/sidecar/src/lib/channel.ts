import type { Duplex } from 'node:stream'
import { type Envelope, parseEnvelope } from './envelope.ts'
import type { ErrorCode } from './error-code.ts'
import {
  ChannelClosedError,
  ChannelLostError,
  type SidecarError,
  SidecarProtocolError,
  SidecarRequestError,
} from './errors.ts'
import { LineSplitter } from './line-splitter.ts'

type Body = Record<string, unknown>

interface Pending {
  method: string
  resolve: (result: Body) => void
  reject: (error: unknown) => void
}

export interface ChannelHandlers {
  onEvent: (event: string, params: Body) => void
  /** Its result is the answer; what it throws becomes an error answer. */
  onRequest: (method: string, params: Body) => Promise<Body>
}

/** Thrown by `onRequest` to answer with a stable code. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Newline-delimited JSON requests, answers and events over one duplex stream
 * (docs/sidecar-channel.md). Knows the envelope, not the messages.
 */
export class Channel {
  readonly #stream: Duplex
  readonly #handlers: ChannelHandlers
  readonly #pending = new Map<number, Pending>()
  readonly #lines = new LineSplitter()
  #lastId = 0
  #ended: SidecarError | undefined
  /** Bytes that have crossed the channel since it was opened. */
  readonly traffic: { read: number; written: number } = { read: 0, written: 0 }
  /** Resolves, never rejects, with why the channel ended. */
  readonly ended: Promise<SidecarError>
  #resolveEnded!: (reason: SidecarError) => void

  constructor(stream: Duplex, handlers: ChannelHandlers) {
    this.#stream = stream
    this.#handlers = handlers
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('error', (cause) =>
      this.#end(new ChannelLostError('the sidecar channel broke', { cause })),
    )
    stream.on('close', () => this.#end(new ChannelLostError('the sidecar closed its channel')))
  }

  /**
   * Asks and waits for the answer. An aborted request rejects with the signal's reason; its late
   * answer is dropped.
   *
   * @throws {SidecarRequestError} when the other side answers with an error
   * @throws {ChannelClosedError} when the channel ends first
   */
  request(method: string, params: object, signal?: AbortSignal): Promise<Body> {
    if (this.#ended) return Promise.reject(this.#ended)
    if (signal?.aborted) return Promise.reject(signal.reason)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const pending = this.#pending.get(id)
        // Stays in the table, so that its answer is still known for ours when it comes.
        if (pending) this.#pending.set(id, { method, resolve: () => {}, reject: () => {} })
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const settled = () => signal?.removeEventListener('abort', onAbort)
      this.#pending.set(id, {
        method,
        resolve: (result) => {
          settled()
          resolve(result)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      })
      this.#write({ id, method, params })
    })
  }

  /** Sends an event. After the end it goes nowhere, as it would have a moment later anyway. */
  send(event: string, params: object): void {
    this.#write({ event, params })
  }

  /** Closes the channel; what is pending rejects with `reason`. */
  close(reason: SidecarError = new ChannelClosedError('the sidecar channel was closed')): void {
    this.#end(reason)
  }

  #write(message: object): void {
    if (this.#ended) return
    const line = `${JSON.stringify(message)}\n`
    this.traffic.written += Buffer.byteLength(line)
    this.#stream.write(line)
  }

  #receive(chunk: Buffer): void {
    this.traffic.read += chunk.length
    try {
      for (const line of this.#lines.push(chunk)) {
        if (this.#ended) return
        this.#dispatch(parse(line))
      }
    } catch (error) {
      // Nothing else is thrown above.
      this.#end(error as SidecarError)
    }
  }

  #dispatch(message: Envelope): void {
    switch (message.kind) {
      case 'event':
        this.#handOver(message.event, message.params)
        return
      case 'request':
        void this.#answer(message.id, message.method, message.params)
        return
      case 'result':
        this.#take(message.id).resolve(message.result)
        return
      case 'error': {
        const pending = this.#take(message.id)
        const { code, message: text } = message.error
        pending.reject(new SidecarRequestError(pending.method, code, text))
      }
    }
  }

  #handOver(event: string, params: Body): void {
    try {
      this.#handlers.onEvent(event, params)
    } catch (cause) {
      // A listener's own mistake; what it left undone, the sidecar would wait for in vain.
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new ChannelClosedError(`a listener of the sidecar's "${event}" failed: ${why}`, {
        cause,
      })
    }
  }

  #take(id: number): Pending {
    const pending = this.#pending.get(id)
    if (!pending)
      throw new SidecarProtocolError(`the sidecar answered request ${id}, which was not asked`)
    this.#pending.delete(id)
    return pending
  }

  async #answer(id: number, method: string, params: Body): Promise<void> {
    try {
      const result = await this.#handlers.onRequest(method, params)
      this.#write({ id, result })
    } catch (error) {
      const code = error instanceof AnswerError ? error.code : 'internal'
      const message = error instanceof Error ? error.message : String(error)
      this.#write({ id, error: { code, message } })
    }
  }

  #end(reason: SidecarError): void {
    if (this.#ended) return
    this.#ended = reason
    this.#stream.destroy()
    for (const { reject } of this.#pending.values()) reject(reason)
    this.#pending.clear()
    this.#resolveEnded(reason)
  }
}

/** @throws {SidecarProtocolError} */
function parse(line: string): Envelope {
  try {
    return parseEnvelope(line)
  } catch (cause) {
    throw new SidecarProtocolError(
      'the sidecar sent a message that this version does not know; driver and sidecar must be of one version',
      { cause },
    )
  }
}
