import { isIP } from 'node:net'
import { z } from 'zod'
import { duration } from './duration.ts'
import { fromList } from './from-text.ts'
import { PROFILE_NAME } from './profiles.ts'
import type { SettingName, Settings } from './settings.ts'

/** RFC 1123 section 2.1: what can be one label of a host name. */
const LABEL = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/

function isPrefix(value: string): boolean {
  const [address = '', length, ...rest] = value.split('/')
  const family = isIP(address)
  // A zone ("fe80::1%eth0") is of one host and of one moment; no prefix has one (RFC 4007 section 11.7).
  if (family === 0 || rest.length > 0 || address.includes('%')) return false
  if (length === undefined) return true
  return /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)
}

// Regular expressions are of the JSON Schema too, which knows no flags; what follows one is checked here only.
const HTTP = /^[hH][tT][tT][pP][sS]?:\/\/\S+$/
const ADDRESS = /^[0-9A-Fa-f:.]+(?:\/\d{1,3})?$/
/** By name, with the tailnet's domain or without, by address or by stable id; `auto` is any. */
const EXIT_NODE = '[A-Za-z0-9][A-Za-z0-9.:_-]*'
/** RFC 6335 section 6. */
const PORT = '(?:\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])'
const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const LOOPBACK = `(?:localhost|127(?:\\.${OCTET}){3}|\\[::1\\])`

const tag = z.string().regex(/^tag:[a-zA-Z][a-zA-Z0-9-]*$/)

/** What each setting may be. */
export const schemas = {
  hostname: z.string().regex(LABEL),
  authKey: z.string().regex(/^(?!file:$)(?:file:[\s\S]+|\S*)$/),
  controlUrl: z.union([z.literal(''), z.url({ protocol: /^https?$/ }).regex(HTTP)]),
  stateDir: z.string().regex(/^(?:\/[\s\S]*)?$/),
  ephemeral: z.boolean(),
  tags: z.array(tag),
  tailscaleLogs: z.boolean(),
  exitNode: z.union([
    // A single string in a file, as the format that this one continues has it.
    z
      .string()
      .regex(new RegExp(`^[\\s,]*(?:${EXIT_NODE}(?:[\\s,]+|$))*$`))
      .transform(fromList),
    z.array(z.string().regex(new RegExp(`^${EXIT_NODE}$`))),
  ]),
  exitNodeLanAccess: z.boolean(),
  port: z.int().min(0).max(65_535),
  bypass: z.array(z.string().regex(ADDRESS).refine(isPrefix)),
  onlyTailnet: z.boolean(),
  udp: z.enum(['proxy', 'block', 'direct']),
  allowUnwrapped: z.boolean(),
  exportListeners: z.boolean(),
  exportAllowPorts: z.string(),
  exportDenyPorts: z.string(),
  exportMax: z.int().min(1).max(65_535),
  exportUsers: z.array(z.string().min(1)),
  exportTags: z.array(tag),
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
  profile: z.union([z.literal(''), z.string().regex(PROFILE_NAME)]),
  idle: duration,
  timeout: duration,
  foreground: z.boolean(),
  metrics: z.string().regex(new RegExp(`^(?:${LOOPBACK}:${PORT})?$`)),
  verbose: z.boolean(),
} satisfies { [Name in SettingName]: z.ZodType<Settings[Name]> }
