import { type ResolvedSettings, type SettingName, settings } from '@tailproxy/config'
import { readSessionFile } from '@tailproxy/session'
import { CommandLineError } from './exit-status.ts'

/** What a command inside a session needs of it. */
export interface JoinedSession {
  host: string
  port: number
  user: string
  password: string
}

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
  if (!file || !host || !port || !user || !password) return undefined
  const session = readSessionFile(file)
  if (session) {
    if (!isAlive(session.pid)) {
      throw new CommandLineError(
        `the session this shell belongs to (pid ${session.pid}) has ended; leave the shell, or unset TAILPROXY_SESSION to start a session of its own`,
      )
    }
    const conflict = (name: SettingName, theirs: string) => {
      if (origins[name].kind === 'default' || values[name] === theirs) return
      throw new CommandLineError(
        `--${settings[name].flag} is "${values[name]}", but the session this command is in has "${theirs}"; drop the flag, or run it outside`,
      )
    }
    conflict('hostname', session.hostname)
    conflict('controlUrl', session.controlUrl)
  }
  return { host, port: Number(port), user, password }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
