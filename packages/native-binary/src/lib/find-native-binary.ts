import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

export interface NativeBinary {
  /** What messages call it, as "the sidecar". */
  title: string
  /** The environment variable that names the file outright. */
  variable: string
  /** The platform packages' common prefix, as `@tailproxy/sidecar`; `-linux-x64` is put behind. */
  packagePrefix: string
  /** Where it is in the platform package. */
  pathInPackage: string
  /** Where a local build puts it in a checkout. */
  pathInCheckout: string
  /** Whether it is run rather than loaded. */
  executable: boolean
}

/** There is no such file for this platform, or the environment names one that is none. */
export class NativeBinaryNotFoundError extends Error {
  override readonly name = 'NativeBinaryNotFoundError'
  readonly code = 'ERR_NATIVE_BINARY_NOT_FOUND'
}

/**
 * Looks for a native file: the environment variable, else the package of this platform, else a
 * local build when `from` lies in a checkout.
 *
 * @param from the directory of the asking module
 * @throws {NativeBinaryNotFoundError} saying what was looked for and what to do
 */
export function findNativeBinary(
  binary: NativeBinary,
  from: string,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const { title, variable, packagePrefix, executable } = binary
  const chosen = env[variable]
  if (chosen) {
    if (isUsable(chosen, executable)) return path.resolve(chosen)
    const wanted = executable ? 'an executable file' : 'a readable file'
    throw new NativeBinaryNotFoundError(
      `${variable} is "${chosen}", which is not ${wanted}; correct or unset it`,
    )
  }
  const packageName = `${packagePrefix}-${process.platform}-${process.arch}`
  const packaged = inPackage(packageName, binary.pathInPackage, from)
  if (packaged && isUsable(packaged, executable)) return packaged
  const built = inCheckout(binary.pathInCheckout, from)
  if (built && isUsable(built, executable)) return built
  throw new NativeBinaryNotFoundError(
    `${title} was not found for ${process.platform}-${process.arch}: install ${packageName}, build it in a checkout (pnpm build), or name it in ${variable}`,
  )
}

function inPackage(packageName: string, file: string, from: string): string | undefined {
  try {
    const { resolve } = createRequire(path.join(from, 'index.js'))
    return path.join(path.dirname(resolve(`${packageName}/package.json`)), file)
  } catch {
    // Not installed; a local build may be there.
    return undefined
  }
}

/** Only the checkout that `from` is part of: a directory further up may be anybody's. */
function inCheckout(file: string, from: string): string | undefined {
  for (let directory = from; ; directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, 'pnpm-workspace.yaml'))) return path.join(directory, file)
    if (directory === path.dirname(directory)) return undefined
  }
}

function isUsable(file: string, executable: boolean): boolean {
  try {
    accessSync(file, executable ? constants.R_OK | constants.X_OK : constants.R_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
