// Packs a package as it will be published.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { pnpmCommand } from './pnpm.mjs'

/**
 * Packs the package in a directory.
 *
 * @param {string} directory that of the package
 * @param {string} destination where its tarball is put
 * @returns {Promise<{tarball: string, files: string[]}>} the files by their paths in the package
 */
export async function pack(directory, destination) {
  const [command, ...before] = pnpmCommand()
  const args = [...before, 'pack', '--json', '--pack-destination', destination]
  const { stdout } = await promisify(execFile)(command, args, { cwd: directory })
  const { filename, files } = JSON.parse(stdout)
  return { tarball: path.resolve(destination, filename), files: files.map((file) => file.path) }
}
