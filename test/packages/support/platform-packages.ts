import { existsSync } from 'node:fs'
import path from 'node:path'
import { named } from '@tailproxy/e2e/support/needs.ts'

export const ROOT = path.resolve(import.meta.dirname, '../../..')

export const ARCHITECTURES = ['x64', 'arm64'] as const
export type Architecture = (typeof ARCHITECTURES)[number]

/** The directory of a package of the workspace, by the end of its name. */
export const packageDirectory = (name: string): string => path.join(ROOT, 'packages', name)

/** The sidecar as it was assembled for a package. */
export const sidecarFile = (architecture: Architecture): string =>
  path.join(packageDirectory(`sidecar-linux-${architecture}`), 'bin/tailproxy-sidecar')

/** The library as it was assembled for a package. */
export const libraryFile = (architecture: Architecture): string =>
  path.join(packageDirectory(`preload-linux-${architecture}`), 'lib/libtailproxy.so')

const CROSS_COMPILERS = { x64: 'x86_64-linux-gnu-gcc', arm64: 'aarch64-linux-gnu-gcc' }

/** The compiler that a library lacks to be assembled here, if it does. */
export function compilerLacking(architecture: Architecture): string[] {
  return existsSync(libraryFile(architecture)) ? [] : [CROSS_COMPILERS[architecture]]
}

/** A test's name, saying that it is skipped where the library could not be built. */
export const withLibrary = (name: string, architecture: Architecture, ...programs: string[]) =>
  named(name, ...compilerLacking(architecture), ...programs)
