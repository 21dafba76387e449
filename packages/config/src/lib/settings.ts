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
    fromText: (value) => (/^\d+$/.test(value) ? Number(value) : value),
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
    fromText: (value) => value.split(/[,\s]+/).filter((part) => part !== ''),
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
