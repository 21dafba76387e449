import { isIP } from 'node:net'

/** Other than these, a variable of TailProxy is no business of the sidecar's. */
const PROXY_VARIABLES = ['ALL_PROXY', 'HTTP_PROXY', 'HTTPS_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
])

/** What tsnet takes from its environment by itself. The session's settings say all of that. */
const TSNET_VARIABLES = [
  'TS_AUTHKEY',
  'TS_AUTH_KEY',
  'TS_CONTROL_URL',
  'TS_CLIENT_ID',
  'TS_CLIENT_SECRET',
  'TS_ID_TOKEN',
  'TS_AUDIENCE',
]

export interface SidecarEnvironmentOptions {
  /** The port that the session will serve SOCKS5 on, if it is known. */
  port?: number
  /** Whether the control server is a lab, which no proxy leads to. */
  lab?: boolean
}

/**
 * The environment for a sidecar: `base` without what would capture it, without keys and whatever
 * else tsnet would pick up by itself (they go over the channel), and without proxies that are this
 * very session. Other proxies stay: corporate networks need them to reach the control server.
 */
export function sidecarEnvironment(
  base: NodeJS.ProcessEnv,
  options: SidecarEnvironmentOptions = {},
): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(base)) {
    if (name.startsWith('TAILPROXY_') || name === 'LD_PRELOAD') continue
    if (TSNET_VARIABLES.includes(name)) continue
    if (PROXY_VARIABLES.includes(name) && (options.lab || pointsAt(value, options.port))) continue
    env[name] = value
  }
  // Where we run in a session ourselves, its library puts back what a child lacks, except for one
  // that says it belongs to no session.
  if (base['TAILPROXY_SESSION']) env['TAILPROXY_SESSION'] = 'none'
  return env
}

function pointsAt(proxy: string | undefined, port: number | undefined): boolean {
  if (!proxy || !port) return false
  try {
    const { hostname, port: theirs } = new URL(proxy.includes('://') ? proxy : `http://${proxy}`)
    return isLoopback(hostname) && Number(theirs) === port
  } catch {
    // Not a URL: Go would not use it either.
    return false
  }
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
