import { homedir } from 'node:os'
import path from 'node:path'

/**
 * `$XDG_CONFIG_HOME/tailproxy` (XDG Base Directory Specification), or undefined where neither that
 * nor HOME says where.
 */
export function configDirectory(env: NodeJS.ProcessEnv): string | undefined {
  const configured = env['XDG_CONFIG_HOME']
  // The specification: a relative path is to be taken as invalid.
  if (configured && path.isAbsolute(configured)) return path.join(configured, 'tailproxy')
  const home = homeDirectory(env)
  return home && path.join(home, '.config/tailproxy')
}

export function homeDirectory(env: NodeJS.ProcessEnv): string | undefined {
  const home = env['HOME'] || homedir()
  return home && path.isAbsolute(home) ? home : undefined
}
