import { lookup, reverse } from 'node:dns/promises'
import { abortable } from './abortable.ts'
import {
  formatSocksAddress,
  normalizeSocksAddress,
  type SocksAddress,
  toSocksAddress,
} from './address.ts'
import { AddressTypeError, DeniedError, NotFoundError } from './errors.ts'
import type { Request } from './request.ts'
import type { ClientInfo, RuleContext, Socks5ServerOptions } from './server-options.ts'

interface RouteOptions {
  request: Request
  client: ClientInfo
  signal: AbortSignal
}

interface Route {
  destination: SocksAddress
  /** What the rules left of it; `undefined` if names are not resolved here. */
  addresses: readonly string[] | undefined
}

/** Rules and resolving: everything between a request and its socket. */
export interface Router {
  /** @throws {DeniedError | NotFoundError}, or what `rules` and `resolve` throw */
  route(options: RouteOptions): Promise<Route>
  /** As `route`, and names are always resolved. */
  resolve(options: RouteOptions): Promise<readonly [string, ...string[]]>
  /** The name of an address. */
  reverse(options: RouteOptions): Promise<string>
}

export function createRouter(options: Socks5ServerOptions): Router {
  const { rules = () => ({ allow: true }) as const } = options
  const resolveName = options.resolve ?? lookupAll
  const reverseAddress = options.reverse ?? reverse
  const isResolving = options.resolve !== undefined || options.dial === undefined

  return {
    async route({ request, client, signal }) {
      const destination = normalizeSocksAddress(request.destination)
      const context = { ...client, command: request.command, name: undefined }
      await check({ ...context, destination }, signal)
      if (destination.type !== 'domain') return { destination, addresses: [destination.host] }
      if (!isResolving) return { destination, addresses: undefined }
      return { destination, addresses: await allowedAddresses({ ...context, destination }, signal) }
    },
    async resolve({ request, client, signal }) {
      const destination = normalizeSocksAddress(request.destination)
      const context = { ...client, command: request.command, name: undefined, destination }
      await check(context, signal)
      if (destination.type !== 'domain') return [destination.host]
      return allowedAddresses(context, signal)
    },
    async reverse({ request, client, signal }) {
      const destination = normalizeSocksAddress(request.destination)
      if (destination.type === 'domain') throw new AddressTypeError('domain')
      const { command } = request
      await check({ ...client, command, name: undefined, destination }, signal)
      const names = await abortable(reverseAddress(destination.host, { signal }), signal)
      const [name] = names
      if (name === undefined) throw new NotFoundError(destination.host)
      return name
    },
  }

  async function check(context: RuleContext, signal: AbortSignal): Promise<void> {
    const verdict = await abortable(Promise.resolve(rules(context)), signal)
    if (verdict.allow !== true) {
      throw new DeniedError(formatSocksAddress(context.destination), verdict.reason)
    }
  }

  /** A name may be allowed and an address of it not: what is left is tried. */
  async function allowedAddresses(
    context: RuleContext,
    signal: AbortSignal,
  ): Promise<readonly [string, ...string[]]> {
    const { host: name, port } = context.destination
    const hosts = await abortable(resolveName(name, { signal }), signal)
    let denied: unknown
    const allowed: string[] = []
    for (const host of hosts) {
      const destination = toSocksAddress(host, port)
      try {
        await check({ ...context, destination, name }, signal)
        allowed.push(destination.host)
      } catch (error) {
        if (!(error instanceof DeniedError)) throw error
        denied ??= error
      }
    }
    const [first, ...rest] = allowed
    if (first === undefined) throw denied ?? new NotFoundError(name)
    return [first, ...rest]
  }
}

async function lookupAll(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true, verbatim: true })
  return found.map(({ address }) => address)
}
