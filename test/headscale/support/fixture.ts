import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** A running tailproxy-fixture (sidecar/cmd). It ends with its standard input, so also with this process. */
export class Fixture {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  readonly #errors: Promise<string>

  constructor(binary: string, role: 'relay' | 'exit-node', settings?: object) {
    this.#child = spawn(binary, [role], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#closed = once(this.#child, 'close')
    this.#errors = text(this.#child.stderr as Readable)
    const input = this.#child.stdin as Writable
    // It may end before it has read; said() tells why.
    input.on('error', () => {})
    if (settings) input.write(`${JSON.stringify(settings)}\n`)
  }

  /** Its one line. */
  async said<T>(): Promise<T> {
    let line = ''
    for await (const chunk of (this.#child.stdout as Readable).setEncoding('utf8')) {
      line += chunk
      if (line.includes('\n')) return JSON.parse(line) as T
    }
    throw new Error(`tailproxy-fixture ended: ${await this.#errors}`)
  }

  async stop(): Promise<void> {
    ;(this.#child.stdin as Writable).end()
    await this.#closed
  }
}
