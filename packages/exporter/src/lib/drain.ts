import type { ExportState } from './export.ts'

/** Exports that have ended while connections of theirs go on, by their number. */
export class Drain {
  readonly #connections = new Map<number, number>()

  get isDry(): boolean {
    return this.#connections.size === 0
  }

  add(exportId: number, connections: number): void {
    if (connections > 0) this.#connections.set(exportId, connections)
  }

  counted({ export: id, connections }: ExportState): void {
    if (!this.#connections.has(id)) return
    if (connections === 0) this.#connections.delete(id)
    else this.#connections.set(id, connections)
  }

  /** @returns which were left */
  cut(): number[] {
    const left = [...this.#connections.keys()]
    this.#connections.clear()
    return left
  }
}
