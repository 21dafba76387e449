import { isIP } from 'node:net'
import { z } from 'zod'
import type { Setting } from './setting.ts'

/** RFC 1123 section 2.1: what can be one label of a host name. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

const text = (value: string): unknown => value

function fromSwitch(value: string): unknown {
  if (['1', 'true', 'yes', 'on'].includes(value.toLowerCase())) return true
  if (['0', 'false', 'no', 'off', ''].includes(value.toLowerCase())) return false
  return value
}

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

const fromList = (value: string): unknown => value.split(/[,\s]+/).filter((part) => part !== '')

const whole = (value: string): unknown => (/^\d+$/.test(value) ? Number(value) : value)

const onOff = {
  schema: z.boolean(),
  fromText: fromSwitch,
  default: false,
  allowed: 'true or false',
}

export const settings = {
  hostname: {
    flag: 'hostname',
    variables: ['TAILPROXY_HOSTNAME'],
    key: 'hostname',
    schema: z.string().regex(LABEL),
    fromText: text,
    default: 'tailproxy',
    allowed: 'letters, digits and inner hyphens, 1 to 63 of them',
    placeholder: 'NAME',
    help: "this node's name on the tailnet",
  } satisfies Setting<string>,
  authKey: {
    flag: 'authkey',
    variables: ['TAILPROXY_AUTHKEY', 'TS_AUTHKEY'],
    key: 'authkey',
    schema: z.string(),
    fromText: text,
    default: '',
    allowed: 'an auth key of the tailnet',
    placeholder: 'KEY',
    help: 'log in with this key (ps does not show TAILPROXY_AUTHKEY)',
    secret: true,
  } satisfies Setting<string>,
  controlUrl: {
    flag: 'control-url',
    variables: ['TAILPROXY_CONTROL_URL'],
    key: 'control_url',
    schema: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]),
    fromText: text,
    default: '',
    allowed: 'an http or https URL',
    placeholder: 'URL',
    help: "control server (default: Tailscale's)",
  } satisfies Setting<string>,
  stateDir: {
    flag: 'state-dir',
    variables: ['TAILPROXY_STATE_DIR'],
    key: 'state_dir',
    schema: z.string(),
    fromText: text,
    default: '',
    allowed: 'the path of a directory',
    placeholder: 'DIR',
    help: "where this node's keys are (default: in $XDG_STATE_HOME)",
  } satisfies Setting<string>,
  port: {
    flag: 'port',
    variables: ['TAILPROXY_SOCKS_PORT'],
    key: 'proxy_port',
    schema: z.int().min(0).max(65_535),
    fromText: whole,
    default: 0,
    allowed: 'a port from 1 to 65535, or 0 to let the kernel choose',
    placeholder: 'PORT',
    help: 'port of the SOCKS5 server (default: any that is free)',
  } satisfies Setting<number>,
  bypass: {
    flag: 'bypass',
    variables: ['TAILPROXY_BYPASS'],
    key: 'bypass',
    schema: z.array(z.string().refine(isPrefix)),
    fromText: fromList,
    isList: true,
    default: [],
    allowed: 'addresses or prefixes as 192.0.2.0/24,2001:db8::/32',
    placeholder: 'CIDR,…',
    help: 'destinations to leave alone',
  } satisfies Setting<string[]>,
  onlyTailnet: {
    ...onOff,
    flag: 'only-tailnet',
    variables: ['TAILPROXY_ONLY_TAILNET'],
    key: 'only_tailnet',
    help: 'refuse every destination that is not on the tailnet',
  } satisfies Setting<boolean>,
  udp: {
    flag: 'udp',
    variables: ['TAILPROXY_UDP'],
    key: 'udp',
    schema: z.enum(['proxy', 'block', 'direct']),
    fromText: text,
    default: 'proxy',
    allowed: 'proxy, block or direct',
    placeholder: 'HOW',
    help: 'datagrams: proxy (carry them), block or direct',
  } satisfies Setting<'proxy' | 'block' | 'direct'>,
  allowUnwrapped: {
    ...onOff,
    flag: 'allow-unwrapped',
    variables: ['TAILPROXY_ALLOW_UNWRAPPED'],
    key: 'allow_unwrapped',
    help: 'run a static or set-uid program too, uncaptured',
  } satisfies Setting<boolean>,
  ephemeral: {
    ...onOff,
    flag: 'ephemeral',
    variables: ['TAILPROXY_EPHEMERAL'],
    key: 'ephemeral',
    help: 'leave the tailnet when the command ends',
  } satisfies Setting<boolean>,
  tailscaleLogs: {
    ...onOff,
    flag: 'tailscale-logs',
    variables: ['TAILPROXY_TAILSCALE_LOGS'],
    key: 'tailscale_logs',
    help: "upload Tailscale's logs, as some tailnets require",
  } satisfies Setting<boolean>,
  exportListeners: {
    ...onOff,
    flag: 'export-listeners',
    variables: ['TAILPROXY_EXPORT'],
    key: 'export_listeners',
    help: "serve the command's listeners to the tailnet",
  } satisfies Setting<boolean>,
  exportAllowPorts: {
    flag: 'export-allow-ports',
    variables: ['TAILPROXY_EXPORT_ALLOW_PORTS'],
    key: 'export_allow_ports',
    schema: z.string(),
    fromText: text,
    default: '',
    allowed: 'ports as 3000,8000-8100,http',
    placeholder: 'PORTS',
    help: 'export these ports and no others',
    isDetail: true,
    isList: true,
  } satisfies Setting<string>,
  exportDenyPorts: {
    flag: 'export-deny-ports',
    variables: ['TAILPROXY_EXPORT_DENY_PORTS'],
    key: 'export_deny_ports',
    schema: z.string(),
    fromText: text,
    default: '',
    allowed: 'ports as 3000,8000-8100,http',
    placeholder: 'PORTS',
    help: 'never export these; wins over the above',
    isDetail: true,
    isList: true,
  } satisfies Setting<string>,
  exportMax: {
    flag: 'export-max',
    variables: ['TAILPROXY_EXPORT_MAX'],
    key: 'export_max',
    schema: z.int().min(1).max(65_535),
    fromText: whole,
    default: 32,
    allowed: 'a number from 1 to 65535',
    placeholder: 'N',
    help: 'ports at once (default: 32)',
    isDetail: true,
  } satisfies Setting<number>,
  exportUsers: {
    flag: 'export-user',
    variables: ['TAILPROXY_EXPORT_USER'],
    key: 'export_users',
    schema: z.array(z.string().min(1)),
    fromText: fromList,
    default: [],
    allowed: 'login names as alice@example.com',
    placeholder: 'USER,…',
    help: 'let in peers of these users, and no others',
    isDetail: true,
    isList: true,
  } satisfies Setting<string[]>,
  exportTags: {
    flag: 'export-tag',
    variables: ['TAILPROXY_EXPORT_TAG'],
    key: 'export_tags',
    schema: z.array(z.string().regex(/^tag:[a-zA-Z][a-zA-Z0-9-]*$/)),
    fromText: fromList,
    default: [],
    allowed: 'tags as tag:web',
    placeholder: 'TAG,…',
    help: 'let in peers with one of these tags too',
    isDetail: true,
    isList: true,
  } satisfies Setting<string[]>,
  exportIdle: {
    flag: 'export-idle',
    variables: ['TAILPROXY_EXPORT_IDLE'],
    key: 'export_idle',
    schema: duration,
    fromText: text,
    default: 0,
    allowed: 'a time as 90s, 10m or 2h, or 0 for never',
    placeholder: 'TIME',
    help: 'end an export without a connection for so long',
    isDetail: true,
  } satisfies Setting<number>,
  exportLoopback: {
    ...onOff,
    flag: 'export-loopback',
    variables: ['TAILPROXY_EXPORT_LOOPBACK'],
    key: 'export_loopback',
    help: 'export what is bound to 127.0.0.1 or ::1 too',
    isDetail: true,
  } satisfies Setting<boolean>,
  exportStrict: {
    ...onOff,
    flag: 'export-strict',
    variables: ['TAILPROXY_EXPORT_STRICT'],
    key: 'export_strict',
    help: 'fail listen() when its export is refused',
    isDetail: true,
  } satisfies Setting<boolean>,
  exportPeers: {
    ...onOff,
    flag: 'export-peers',
    variables: ['TAILPROXY_EXPORT_PEERS'],
    key: 'export_peers',
    default: true,
    help: 'show programs the tailnet peer (default: true)',
    isDetail: true,
  } satisfies Setting<boolean>,
  exportProxyProtocol: {
    ...onOff,
    flag: 'export-proxy-protocol',
    variables: ['TAILPROXY_EXPORT_PROXY_PROTOCOL'],
    key: 'export_proxy_protocol',
    help: 'send PROXY protocol v2 ahead of each connection',
    isDetail: true,
  } satisfies Setting<boolean>,
  exportConnections: {
    flag: 'export-connections',
    variables: ['TAILPROXY_EXPORT_CONNECTIONS'],
    key: 'export_connections',
    schema: z.int().min(1).max(65_535),
    fromText: whole,
    default: 1024,
    allowed: 'a number from 1 to 65535',
    placeholder: 'N',
    help: 'connections at once to a port (default: 1024)',
    isDetail: true,
  } satisfies Setting<number>,
  exportService: {
    flag: 'export-service',
    variables: ['TAILPROXY_EXPORT_SERVICE'],
    key: 'export_service',
    schema: z.union([z.literal(''), z.string().regex(/^svc:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)]),
    fromText: text,
    default: '',
    allowed: 'the name of a Tailscale Service as svc:web',
    placeholder: 'svc:NAME',
    help: 'offer the ports as a Tailscale Service',
    isDetail: true,
  } satisfies Setting<string>,
  filters: {
    flag: 'filter',
    variables: ['TAILPROXY_FILTER'],
    key: 'filters',
    schema: z.array(
      z.union([
        z.string().min(1),
        z.strictObject({ filter: z.string().min(1), options: z.unknown().optional() }),
      ]),
    ),
    fromText: fromList,
    default: [],
    allowed: 'modules or paths as ./my-filter.mjs',
    placeholder: 'MODULE,…',
    help: 'ask these filter plugins',
    isDetail: true,
    isList: true,
  } satisfies Setting<(string | { filter: string; options?: unknown })[]>,
  verbose: {
    ...onOff,
    flag: 'verbose',
    variables: ['TAILPROXY_LOG'],
    key: 'verbose',
    help: 'tell on stderr what is done',
  } satisfies Setting<boolean>,
}

export type SettingName = keyof typeof settings

/** Every setting's value. */
export type Settings = {
  [Name in SettingName]: (typeof settings)[Name] extends Setting<infer T> ? T : never
}
