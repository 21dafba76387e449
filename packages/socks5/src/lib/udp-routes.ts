import { formatSocksAddress, type SocksAddress } from './address.ts'

/** Destinations one association may have at a time; the oldest is forgotten for a new one. */
const MAX_DESTINATIONS = 1_024
/** Lookups one association may have under way; datagrams beyond that are dropped. */
const MAX_PENDING = 64
/** Milliseconds that a verdict and the addresses of a name hold. */
const TIME_TO_LIVE = 30_000

/** Where the datagrams of one association may go: asks once for each destination, not each time. */
export class Routes {
  readonly #route: (destination: SocksAddress) => Promise<readonly [string, ...string[]]>
  readonly #found = new Map<string, { host: Promise<string | undefined>; expires: number }>()
  readonly #hosts = new Set<string>()
  #pending = 0

  constructor(route: (destination: SocksAddress) => Promise<readonly [string, ...string[]]>) {
    this.#route = route
  }

  /** Whether `host` has been the answer to a `find()`. */
  has(host: string): boolean {
    return this.#hosts.has(host)
  }

  /** The address to send to; `undefined` if there is none, or not for this client. */
  find(destination: SocksAddress): Promise<string | undefined> {
    const key = formatSocksAddress(destination)
    const known = this.#found.get(key)
    if (known !== undefined && known.expires > Date.now()) return known.host
    if (this.#pending >= MAX_PENDING) return Promise.resolve(undefined)
    const host = this.#ask(destination)
    forgetOldest(this.#found)
    this.#found.set(key, { host, expires: Date.now() + TIME_TO_LIVE })
    return host
  }

  async #ask(destination: SocksAddress): Promise<string | undefined> {
    this.#pending += 1
    try {
      const [host] = await this.#route(destination)
      forgetOldest(this.#hosts)
      this.#hosts.add(host)
      return host
    } catch {
      return undefined
    } finally {
      this.#pending -= 1
    }
  }
}

function forgetOldest(collection: Map<string, unknown> | Set<string>): void {
  if (collection.size < MAX_DESTINATIONS) return
  for (const oldest of collection.keys()) {
    collection.delete(oldest)
    return
  }
}
