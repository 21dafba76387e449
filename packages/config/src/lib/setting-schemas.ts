import { isIP } from 'node:net'
import { z } from 'zod'
import type { SettingName, Settings } from './settings.ts'

/** RFC 1123 section 2.1: what can be one label of a host name. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

function isPrefix(value: string): boolean {
  const [address = '', length, ...rest] = value.split('/')
  const family = isIP(address)
  // A zone ("fe80::1%eth0") is of one host and of one moment; no prefix has one (RFC 4007 section 11.7).
  if (family === 0 || rest.length > 0 || address.includes('%')) return false
  if (length === undefined) return true
  return /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
/** What a timer of Node can wait for. */
const LONGEST = 2_147_483_647

/** '90s' or '10m' in milliseconds; a bare number is seconds. */
function fromDuration(value: string): unknown {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value) ?? []
  return number === undefined
    ? value
    : Math.round(Number(number) * UNITS[unit as keyof typeof UNITS])
}

/** In a file a time is written as in a flag, or as a number of seconds. */
const duration = z
  .union([
    z.string().transform(fromDuration),
    z.number().transform((seconds) => Math.round(seconds * UNITS.s)),
  ])
  .pipe(z.int().min(0).max(LONGEST))

/** What each setting may be. */
export const schemas = {
  hostname: z.string().regex(LABEL),
  authKey: z.string(),
  controlUrl: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]),
  stateDir: z.string(),
  ephemeral: z.boolean(),
  tailscaleLogs: z.boolean(),
  port: z.int().min(0).max(65_535),
  bypass: z.array(z.string().refine(isPrefix)),
  onlyTailnet: z.boolean(),
  udp: z.enum(['proxy', 'block', 'direct']),
  allowUnwrapped: z.boolean(),
  exportListeners: z.boolean(),
  exportAllowPorts: z.string(),
  exportDenyPorts: z.string(),
  exportMax: z.int().min(1).max(65_535),
  exportUsers: z.array(z.string().min(1)),
  exportTags: z.array(z.string().regex(/^tag:[a-zA-Z][a-zA-Z0-9-]*$/)),
  exportIdle: duration,
  exportLoopback: z.boolean(),
  exportStrict: z.boolean(),
  exportPeers: z.boolean(),
  exportProxyProtocol: z.boolean(),
  exportConnections: z.int().min(1).max(65_535),
  exportService: z.union([
    z.literal(''),
    z.string().regex(/^svc:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
  ]),
  filters: z.array(
    z.union([
      z.string().min(1),
      z.strictObject({ filter: z.string().min(1), options: z.unknown().optional() }),
    ]),
  ),
  verbose: z.boolean(),
} satisfies { [Name in SettingName]: z.ZodType<Settings[Name]> }
