import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { ConfigError } from './errors.ts'
import { checkProjectFile } from './project-file.ts'
import type { FileRole } from './setting.ts'

/** @throws {ConfigError} when it cannot be read, or is a project file of somebody else */
export function readConfigText(path: string, role: FileRole): string {
  let file: number | undefined
  try {
    // Whoever left a pipe in a directory we pass shall not make us wait for what comes through it.
    const flags = role === 'project' ? constants.O_NONBLOCK : 0
    file = openSync(path, constants.O_RDONLY | flags)
    if (role === 'project') checkProjectFile(path, fstatSync(file))
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError(`cannot read the configuration file ${path}: ${whyUnread(cause)}`, {
      cause,
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function whyUnread(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
      return 'permission denied'
    case 'EISDIR':
      return 'it is a directory'
    default:
      return String(code)
  }
}
