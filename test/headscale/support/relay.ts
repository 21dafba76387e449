import { writeFile } from 'node:fs/promises'
import { Fixture } from './fixture.ts'

/** The part of Tailscale's DERP map that a file of headscale's has, with the names as Go's JSON has them. */
interface DerpMap {
  Regions: Record<string, Record<string, unknown>>
}

/** The lab's DERP and STUN server. */
export class Relay {
  readonly #fixture: Fixture
  readonly #map: DerpMap

  private constructor(fixture: Fixture, map: DerpMap) {
    this.#fixture = fixture
    this.#map = map
  }

  static async start(binary: string): Promise<Relay> {
    const fixture = new Fixture(binary, 'relay')
    return new Relay(fixture, await fixture.said<DerpMap>())
  }

  /** Writes its DERP map as headscale reads it: YAML with the names of Go's fields in lower case, and numbers for regions. */
  async writeDerpFile(file: string): Promise<void> {
    const regions = Object.entries(this.#map.Regions).map(
      ([id, region]) => `  ${id}: ${JSON.stringify(withLowerCaseNames(region))}\n`,
    )
    await writeFile(file, `regions:\n${regions.join('')}`)
  }

  stop(): Promise<void> {
    return this.#fixture.stop()
  }
}

function withLowerCaseNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLowerCaseNames)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name.toLowerCase(), withLowerCaseNames(field)]),
  )
}
