import { pnpmCommand } from './pnpm.mjs'

/**
 * What publishes every package whose version a registry does not have, to be run at the root. pnpm publishes first what
 * others depend on.
 *
 * @param {{registry?: string, tag?: string, provenance?: boolean, dryRun?: boolean, anyTree?: boolean}} options
 *   `anyTree`: whether the tree may be changed, or on another branch
 * @returns {string[]} a command and its words
 */
export function publishCommand({ registry, tag, provenance, dryRun, anyTree }) {
  const words = ['--recursive', '--filter', './packages/*', 'publish', '--access', 'public']
  if (tag) words.push('--tag', tag)
  if (registry) words.push('--registry', registry)
  if (provenance) words.push('--provenance')
  if (dryRun) words.push('--dry-run')
  if (anyTree) words.push('--no-git-checks')
  return [...pnpmCommand(), ...words]
}
