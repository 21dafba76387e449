import path from 'node:path'
import { configDirectory, homeDirectory } from './config-directory.ts'
import { isThere } from './is-there.ts'
import { findProjectFile, PROJECT_FILE } from './project-file.ts'
import type { FileRole } from './setting.ts'

/** A file that settings are looked for in. */
export interface ConfigFile {
  role: FileRole
  path: string
  exists: boolean
}

export interface ConfigFileSources {
  /** @default process.env */
  env?: NodeJS.ProcessEnv
  /** The file to read in place of the user's and the project's. @default TAILPROXY_CONFIG */
  file?: string
  /** Where to look for the project's file, and above. @default process.cwd() */
  cwd?: string
}

/**
 * The files that settings are looked for in besides a profile, those that count most first. That of
 * a project which has none is shown where it would be.
 */
export function configFiles(sources: ConfigFileSources = {}): ConfigFile[] {
  const { env = process.env } = sources
  const named = namedFile(sources)
  // Somebody named it, so that it is an error when it is not there.
  if (named) return [named]
  const files: ConfigFile[] = []
  const cwd = sources.cwd ?? workingDirectory()
  if (cwd !== undefined) {
    const found = findProjectFile(cwd, homeDirectory(env))
    const project = found ?? path.join(cwd, PROJECT_FILE)
    files.push({ role: 'project', path: project, exists: found !== undefined })
  }
  const directory = configDirectory(env)
  if (directory !== undefined) {
    const user = path.join(directory, 'config.json')
    files.push({ role: 'user', path: user, exists: isThere(user) })
  }
  return files
}

/** The file that a flag or TAILPROXY_CONFIG names. */
export function namedFile({ env = process.env, file }: ConfigFileSources): ConfigFile | undefined {
  const named = file ?? env['TAILPROXY_CONFIG']
  return named ? { role: 'config', path: path.resolve(named), exists: true } : undefined
}

/** A working directory that was removed belongs to no project. */
function workingDirectory(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}
