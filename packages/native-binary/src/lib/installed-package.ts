import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/**
 * The real path of a file in an installed package, found by its exports map as an import in `from`
 * would be; where the package lacks the file, the path that it should have. Undefined when the
 * package is not installed.
 *
 * A package that is linked from elsewhere, as workspaces link theirs, does not count: what is in it
 * was put there by some earlier build.
 */
export function fileOfInstalledPackage(
  packageName: string,
  file: string,
  from: string,
): string | undefined {
  const { resolve } = createRequire(path.join(from, 'index.js'))
  const manifest = attempt(() => realpathSync(resolve(`${packageName}/package.json`)))
  if (!manifest?.split(path.sep).includes('node_modules')) return undefined
  const exported = attempt(() => realpathSync(resolve(`${packageName}/${file}`)))
  return exported ?? path.join(path.dirname(manifest), file)
}

function attempt(work: () => string): string | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
