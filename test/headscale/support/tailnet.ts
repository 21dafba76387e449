import { Profile } from '@tailproxy/e2e/support/profile.ts'
import { type Running, type StartOptions, Tailproxy } from '@tailproxy/e2e/support/tailproxy.ts'
import { test as base, describe, inject } from 'vitest'
import { Fixture } from './fixture.ts'
import { Headscale } from './headscale.ts'
import { Relay } from './relay.ts'

/**
 * Keeps a node off the network: no log upload, no port mapping, and a panic should it turn to Tailscale's control server. In the
 * lab it does so by itself; headscale is none.
 */
const LOOPBACK_ONLY = {
  TS_NO_LOGS_NO_SUPPORT: 'true',
  TS_DISABLE_PORTMAPPER: '1',
  IN_TS_TEST: '1',
  TS_ASSUME_NETWORK_UP_FOR_TEST: '1',
  TS_PANIC_IF_HIT_MAIN_CONTROL: '1',
}

/** One user on a headscale tailnet, with a session in the background. */
class Host extends Profile {
  readonly hostname: string
  readonly #env: NodeJS.ProcessEnv

  constructor(tailproxy: Tailproxy, hostname: string, env: NodeJS.ProcessEnv) {
    super(tailproxy)
    this.hostname = hostname
    this.#env = { ...LOOPBACK_ONLY, TAILPROXY_HOSTNAME: hostname, ...env }
  }

  override start(args: readonly string[], options: StartOptions = {}): Running {
    return super.start(args, { ...options, env: { ...this.#env, ...options.env } })
  }
}

export interface Tailnet {
  headscale: Headscale
  /** A user with settings in `env`, whose session ends with the test. */
  host: (hostname: string, env?: NodeJS.ProcessEnv) => Host
  /** A node that offers itself as an exit node. It ends with the test. */
  exitNode: (hostname: string, authKey: string) => Promise<{ name: string }>
}

interface Servers {
  headscale: Headscale
  tailproxy: Tailproxy
}

const binaries = inject('binaries')

/** Tests that need headscale. */
export function describeWithHeadscale(name: string, tests: () => void): void {
  if (binaries.headscale) describe(name, tests)
  else describe.skip(`${name} (skipped: needs headscale from the Go module proxy)`, tests)
}

/** A headscale for the tests of one file. */
export const test = base.extend<{ servers: Servers; tailnet: Tailnet }>({
  servers: [
    async ({}, use) => {
      const relay = await Relay.start(binaries.fixture)
      const headscale = await Headscale.start(binaries.headscale as string, relay)
      const tailproxy = new Tailproxy(headscale.url)
      try {
        await use({ headscale, tailproxy })
      } finally {
        tailproxy.dispose()
        await headscale.stop()
        await relay.stop()
      }
    },
    { scope: 'file' },
  ],
  tailnet: async ({ servers: { headscale, tailproxy } }, use) => {
    const hosts: Host[] = []
    const exitNodes: Fixture[] = []
    await use({
      headscale,
      host: (hostname, env = {}) => {
        const host = new Host(tailproxy, hostname, env)
        hosts.push(host)
        return host
      },
      exitNode: (hostname, authKey) => {
        const settings = { controlUrl: headscale.url, hostname, authKey }
        const fixture = new Fixture(binaries.fixture, 'exit-node', settings)
        exitNodes.push(fixture)
        return fixture.said()
      },
    })
    await Promise.all(hosts.map((host) => host.dispose()))
    await Promise.all(exitNodes.map((fixture) => fixture.stop()))
  },
})
