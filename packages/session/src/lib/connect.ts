import { mkdtempSync, rmSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import type { FilterChain } from '@tailproxy/port-filter'
import { findSidecar } from '@tailproxy/sidecar'
import { ConnectOptionsError, LoginNeededError } from './errors.ts'
import type { Policy } from './run.ts'
import { Session } from './session.ts'
import { sidecarEnvironment } from './sidecar-environment.ts'
import { programStateDirectory } from './state-directory.ts'
import { Tailnet } from './tailnet.ts'

/** The name of the one run that a program's own session has. */
const PROGRAM = 'program'
/** RFC 1123 section 2.1: what can be one label of a host name. */
const LABEL = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/
/** What is outside the tailnet goes by an exit node or not at all. */
const POLICY: Policy = { onlyTailnet: true, bypass: [], udp: 'proxy' }

export interface ConnectOptions {
  /** The node's name on the tailnet. @default 'tailproxy' */
  hostname?: string | undefined
  /** Logs the node in. Without it the first `connect()` needs `onAuthUrl`; later ones are logged in. */
  authKey?: string | undefined
  /** @default Tailscale's own */
  controlUrl?: string | undefined
  /**
   * Where the node's keys are, for one program at a time.
   * @default below `$XDG_STATE_HOME/tailproxy/programs`, by hostname and control server; for an
   * ephemeral node a directory that goes with it
   */
  stateDirectory?: string | undefined
  /** Whether the node leaves the tailnet with `close()`. @default false */
  ephemeral?: boolean | undefined
  /** As `tag:ci`. */
  tags?: readonly string[] | undefined
  /**
   * What leads out of the tailnet: names, addresses or ids of nodes, in order of preference, or
   * `auto`. Verified before `connect()` resolves. With none, nothing leads there.
   */
  exitNode?: string | readonly string[] | undefined
  /** Who has a say about each connection. Disposed of by `close()`. */
  filters?: FilterChain | undefined
  /** The sidecar's executable. @default `findSidecar()` */
  sidecar?: string | undefined
  /** Called with where somebody has to log the node in. @default `connect()` rejects then */
  onAuthUrl?: ((url: string) => void) | undefined
  /** Aborting it rejects with its reason. A tailnet that is joined stays so. */
  signal?: AbortSignal | undefined
}

const KNOWN: Readonly<Record<keyof ConnectOptions, true>> = {
  hostname: true,
  authKey: true,
  controlUrl: true,
  stateDirectory: true,
  ephemeral: true,
  tags: true,
  exitNode: true,
  filters: true,
  sidecar: true,
  onAuthUrl: true,
  signal: true,
}

/**
 * Joins a tailnet as a node of its own, for this program alone: no root, no change to the host, and
 * nothing left running after `close()`. Until then the program does not end by itself.
 *
 * @throws {ConnectOptionsError} for options that cannot be
 * @throws {LoginNeededError} when somebody has to log the node in, and there is no `onAuthUrl`
 * @throws {StateDirectoryError} when the state directory is not ours alone
 * @throws {SessionStartError} when the node or the exit node is refused, or its state is in use
 * @throws {SidecarError} when the sidecar cannot be run
 */
export async function connect(options: ConnectOptions = {}): Promise<Tailnet> {
  const { hostname = 'tailproxy', controlUrl = '', ephemeral = false } = options
  const { authKey, tags, filters, signal } = options
  signal?.throwIfAborted()
  checkNames(options)
  checkOptions(hostname, controlUrl)
  const sidecar = options.sidecar ?? findSidecar()
  // An empty one is what a variable has that was not set.
  const exitNodes = [options.exitNode ?? []].flat().filter((node) => node !== '')
  const state = stateOf(options.stateDirectory, { hostname, controlUrl, ephemeral })
  const login = new AbortController()
  const onAuthUrl = options.onAuthUrl ?? ((url) => login.abort(new LoginNeededError(url)))
  try {
    const session = await Session.open({
      sidecar,
      env: sidecarEnvironment(process.env, { lab: isOnLoopback(controlUrl) }),
      hostname,
      stateDirectory: state.directory,
      controlUrl,
      ephemeral,
      onAuthUrl,
      signal: signal ? AbortSignal.any([signal, login.signal]) : login.signal,
      ...(authKey ? { authKey } : {}),
      ...(tags ? { tags } : {}),
      ...(filters ? { filters } : {}),
      ...(exitNodes.length > 0 ? { exitNode: { nodes: exitNodes, lanAccess: false } } : {}),
    })
    return await enter(session, state.dispose)
  } catch (error) {
    state.dispose()
    throw error
  }
}

async function enter(session: Session, dispose: () => void): Promise<Tailnet> {
  try {
    return new Tailnet({ session, run: await session.register(PROGRAM, POLICY), dispose })
  } catch (error) {
    await session.close()
    throw error
  }
}

/** A misspelt `authKey` would leave a program waiting to be logged in. */
function checkNames(options: ConnectOptions): void {
  const stranger = Object.keys(options).find((name) => !Object.hasOwn(KNOWN, name))
  if (stranger === undefined) return
  const allowed = Object.keys(KNOWN).join(', ')
  throw new ConnectOptionsError(`there is no option ${stranger}; allowed are ${allowed}`)
}

function checkOptions(hostname: string, controlUrl: string): void {
  if (!LABEL.test(hostname)) {
    throw new ConnectOptionsError(
      `hostname is ${JSON.stringify(hostname)}; give letters, digits and inner hyphens, 1 to 63 of them`,
    )
  }
  const { protocol } = URL.canParse(controlUrl) ? new URL(controlUrl) : { protocol: '' }
  if (controlUrl !== '' && protocol !== 'https:' && protocol !== 'http:') {
    throw new ConnectOptionsError(
      `controlUrl is ${JSON.stringify(controlUrl)}; give a URL as https://headscale.example`,
    )
  }
}

/** A node that leaves with the program has nothing to come back to. */
function stateOf(
  given: string | undefined,
  { hostname, controlUrl, ephemeral }: { hostname: string; controlUrl: string; ephemeral: boolean },
): { directory: string; dispose: () => void } {
  if (given) return { directory: given, dispose: () => {} }
  if (!ephemeral) {
    return { directory: programStateDirectory(hostname, controlUrl), dispose: () => {} }
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-program-'))
  return { directory, dispose: () => rmSync(directory, { recursive: true, force: true }) }
}

/** No proxy leads to a control server on this host. */
function isOnLoopback(controlUrl: string): boolean {
  if (controlUrl === '') return false
  const host = new URL(controlUrl).hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
