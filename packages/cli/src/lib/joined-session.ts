import { accessSync, constants } from 'node:fs'
import { describeOrigin, type Origin, type ResolvedSettings, settings } from '@tailproxy/config'
import type { PreloadSettings } from '@tailproxy/preload'
import { isAlive, readSessionFile } from '@tailproxy/session/join'
import { CommandLineError } from './exit-status.ts'

/** What a command inside a session needs of it: all that the command around it was given. */
export type JoinedSession = Pick<
  PreloadSettings,
  'host' | 'port' | 'user' | 'password' | 'socket' | 'token' | 'exports'
>

/** What a file that nobody named says of a node is meant for the session that it starts, not for this one. */
const OF_NODE: ReadonlySet<string> = new Set(['hostname', 'controlUrl'])

/**
 * The session that this process runs in, if it was itself started by TailProxy.
 *
 * @throws {CommandLineError} when it was told to use another node than that session's, or when
 *   that session has ended
 */
export function joinedSession(
  { values, origins }: ResolvedSettings,
  env: NodeJS.ProcessEnv,
): JoinedSession | undefined {
  const file = env['TAILPROXY_SESSION']
  const { TAILPROXY_HOST: host, TAILPROXY_PORT: port } = env
  const { TAILPROXY_PRELOAD_USER: user, TAILPROXY_PRELOAD_PASSWORD: password } = env
  const { TAILPROXY_SOCK: socket, TAILPROXY_TOKEN: token } = env
  if (!file || !host || !port || !user || !password) return undefined
  const session = readSessionFile(file)
  if (session ? !isAlive(session.pid) : isGone(file)) {
    throw new CommandLineError(
      'the session this shell belongs to has ended; leave the shell, or unset TAILPROXY_SESSION to start a session of its own',
    )
  }
  for (const name of ['hostname', 'controlUrl', 'onlyTailnet', 'udp'] as const) {
    const origin = origins[name]
    if (!session || origin.kind === 'default' || values[name] === session[name]) continue
    if (OF_NODE.has(name) && isFound(origin)) continue
    throw new CommandLineError(
      `${describeOrigin(origin)} is "${values[name]}", but the session this command is in has "${session[name]}"; drop it, or run the command outside`,
    )
  }
  // A variable may be that of the command around, which chose the session by it.
  for (const name of ['profile', 'exitNode'] as const) {
    if (origins[name].kind !== 'flag') continue
    throw new CommandLineError(
      `--${settings[name].flag} is "${values[name]}", but this command is in a session already; drop it, or run the command outside`,
    )
  }
  const dials = socket && token ? { socket, token } : {}
  return { host, port: Number(port), user, password, ...dials, ...joinedExports(values, env) }
}

/** Whether it stands in a file that nobody named for this command. */
function isFound(origin: Origin): boolean {
  return origin.kind === 'file' && origin.role !== 'config'
}

/** The outer command's listeners are exported, or nobody's are: a run has one control socket. */
function joinedExports(
  { exportListeners, exportLoopback, exportStrict, exportPeers }: ResolvedSettings['values'],
  env: NodeJS.ProcessEnv,
): Pick<PreloadSettings, 'exports'> {
  const control = env['TAILPROXY_EXPORT_LISTENERS'] === '1' && env['TAILPROXY_CONTROL_SOCK']
  if (!control && !exportListeners) return {}
  if (!control) {
    throw new CommandLineError(
      '--export-listeners is set, but the command that started this session exports none; give it to that command, or run this one outside',
    )
  }
  const ways = { loopback: exportLoopback, strict: exportStrict, showPeers: exportPeers }
  return { exports: { control, ...ways } }
}

/** A program that changed its user cannot read the file, and may join all the same. */
function isGone(file: string): boolean {
  try {
    accessSync(file, constants.F_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
