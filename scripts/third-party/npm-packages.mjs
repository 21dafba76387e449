// The npm packages whose files are in a bundle.
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { licencesIn } from './licence.mjs'

/**
 * The components of a bundle that was made from these files; those of the workspace are our own.
 *
 * @param {Iterable<string>} files
 * @returns {import('./notices.mjs').Component[]}
 */
export function npmComponents(files) {
  const directories = new Set()
  for (const file of files) {
    const directory = packageOf(file)
    if (directory?.split(path.sep).includes('node_modules')) directories.add(directory)
  }
  return [...directories].map(componentOf)
}

/** Where the nearest manifest with a name is: some packages have others, without, further down. */
function packageOf(file) {
  // What the bundler makes up itself starts with a NUL.
  if (!path.isAbsolute(file)) return undefined
  for (let at = path.dirname(realpathSync(file)); at !== path.dirname(at); at = path.dirname(at)) {
    if (existsSync(path.join(at, 'package.json')) && manifestIn(at).name) return at
  }
  return undefined
}

const manifestIn = (directory) =>
  JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'))

function componentOf(directory) {
  const { name, version } = manifestIn(directory)
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return { name, version, purl, licences: licencesIn(directory) }
}
