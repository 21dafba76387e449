import type { ExportBackend } from '../lib/backend.ts'
import type { ExportCall, ExportResult, SocketName } from '../lib/export.ts'

function nameOf({ network, address, cookie }: SocketName): string {
  return network === 'udp' ? `${address}/udp/${cookie}` : `${address}/${cookie}`
}

/** A node and a kernel as they are to an exporter: what is exported, and which sockets listen. */
export class FakeBackend implements ExportBackend {
  /** What is exported, by number. */
  readonly open = new Map<number, ExportCall>()
  /** Every call, as `export 80 127.0.0.1:80`. */
  readonly calls: string[] = []
  /** Cookies of sockets that do not listen any more. */
  readonly dead = new Set<bigint>()
  /** What a call fails with, by its name. */
  readonly failures = new Map<string, unknown>()
  #last = 0

  async export(call: ExportCall): Promise<ExportResult> {
    this.#called('export', call.port, ...call.targets)
    const id = ++this.#last
    this.open.set(id, call)
    return { export: id, addresses: [`100.64.0.1:${call.port}`] }
  }

  async retarget(id: number, targets: string[]): Promise<void> {
    this.#called('retarget', id, ...targets)
    const call = this.open.get(id)
    if (call) this.open.set(id, { ...call, targets })
  }

  async unexport(id: number, { drain }: { drain: boolean }): Promise<void> {
    this.#called('unexport', id, drain ? 'drain' : 'reset')
    this.open.delete(id)
  }

  async listening(sockets: SocketName[]): Promise<boolean[]> {
    this.#called('listening', ...sockets.map(nameOf))
    return sockets.map(({ cookie }) => !this.dead.has(cookie))
  }

  #called(name: string, ...rest: (string | number)[]): void {
    this.calls.push([name, ...rest].join(' '))
    if (this.failures.has(name)) throw this.failures.get(name)
  }
}
