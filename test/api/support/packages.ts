import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../../packages', import.meta.url))

type Exports = Record<string, string | { types?: string; default: string }>

interface Manifest {
  name: string
  description: string
  private?: boolean
  sideEffects?: boolean
  os?: string[]
  exports?: Exports
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  publishConfig?: { exports?: Exports }
}

export interface PublicPackage {
  name: string
  directory: string
  manifest: Manifest
  readme: string
}

/** A package with modules to import, unlike the command and the binaries. */
export interface Library extends PublicPackage {
  /** As they are imported: `@tailproxy/socks5/client`. */
  doors: string[]
}

function read(name: string): PublicPackage {
  const directory = path.join(packages, name)
  const text = (file: string) => readFileSync(path.join(directory, file), 'utf8')
  const manifest = JSON.parse(text('package.json')) as Manifest
  return { name: manifest.name, directory, manifest, readme: text('README.md') }
}

/** Published, and written by us rather than built for one platform. */
export const publicPackages: PublicPackage[] = readdirSync(packages)
  .filter((name) => !/-linux-/.test(name))
  .map(read)
  .filter(({ manifest }) => !manifest.private)

export const libraries: Library[] = publicPackages.flatMap((each) => {
  const { exports } = each.manifest.publishConfig ?? {}
  if (!exports) return []
  const doors = Object.keys(exports).filter((door) => !door.endsWith('.json'))
  return { ...each, doors: doors.map((door) => path.join(each.name, door)) }
})

/** Where an installation of `library` would have `dependency`. */
export function findDependency({ directory }: Library, dependency: string): string {
  const require = createRequire(path.join(directory, 'package.json'))
  let found = path.dirname(require.resolve(dependency))
  while (path.basename(found) !== path.basename(dependency)) found = path.dirname(found)
  return found
}
