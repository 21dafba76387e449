import { existsSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { NativeBinaryNotFoundError, NativeBinaryUnusableError } from './errors.ts'
import { type Defect, findDefect } from './find-defect.ts'
import { fileOfInstalledPackage } from './installed-package.ts'
import {
  HERE,
  type NativeBinary,
  type Platform,
  platformName,
  SUPPORTED_PLATFORMS,
} from './native-binary.ts'

/**
 * Looks for a native file: the environment variable, else the package of this platform, else a
 * local build when `from` lies in a checkout. The first that is there is the one; when it cannot be
 * used, no other is taken in its place.
 *
 * @param from the directory of the asking module
 * @throws {NativeBinaryNotFoundError} saying what was looked for and what to do
 * @throws {NativeBinaryUnusableError} naming the file, what is wrong with it and what to do
 */
export function findNativeBinary(
  binary: NativeBinary,
  from: string,
  env: NodeJS.ProcessEnv = process.env,
  platform: Platform = HERE,
): string {
  const { variable, executable } = binary
  const { architecture } = platform
  const chosen = env[variable]
  if (chosen) {
    const defect = findDefect(chosen, { architecture, executable, allowScript: executable })
    if (!defect) return path.resolve(chosen)
    const message = `${variable} is "${chosen}", which ${defect.found}; correct or unset it`
    if (defect.kind === 'absent') throw new NativeBinaryNotFoundError(message)
    throw new NativeBinaryUnusableError(path.resolve(chosen), message)
  }

  const packageName = `${binary.packagePrefix}-${platformName(platform)}`
  const packaged = fileOfInstalledPackage(packageName, binary.pathInPackage, from)
  const checkout = checkoutOf(from)
  const built = checkout === undefined ? undefined : path.join(checkout, binary.pathInCheckout)
  const file = packaged ?? built
  const defect = file && findDefect(file, { architecture, executable, allowScript: false })
  if (file === undefined || (file === built && defect && defect.kind === 'absent')) {
    throw new NativeBinaryNotFoundError(explainAbsence(binary, from, platform))
  }
  if (!defect) return file
  const again =
    file === packaged ? `install ${packageName} again` : 'build it again (npx -y pnpm build)'
  throw new NativeBinaryUnusableError(
    file,
    `${file} ${defect.found}; ${cure(defect, binary, again)}`,
  )
}

function cure({ kind }: Defect, { variable }: NativeBinary, again: string): string {
  if (kind !== 'noexec') return again
  return `install TailProxy on another one, or copy the file to one and name it in ${variable}`
}

/** Why there is none at all, and what helps. */
function explainAbsence(binary: NativeBinary, from: string, platform: Platform): string {
  const { title, variable, packagePrefix, pathInPackage } = binary
  const here = platformName(platform)
  const names = SUPPORTED_PLATFORMS.map(platformName)
  if (!names.includes(here)) {
    return `${title} is made for ${names.join(' and ')}, and this is ${here}; build one for it and name it in ${variable}`
  }
  if (checkoutOf(from) !== undefined) {
    return `${title} was not built for ${here} in this checkout; build it (npx -y pnpm build), or name one in ${variable}`
  }
  const packageName = `${packagePrefix}-${here}`
  const other = names.find((name) =>
    fileOfInstalledPackage(`${packagePrefix}-${name}`, pathInPackage, from),
  )
  if (other !== undefined) {
    return `${title} is installed for ${other}, and this is ${here}: node_modules comes from another machine; install on this one, so that ${packageName} is there, or name a file in ${variable}`
  }
  return `${title} was not found for ${here}, because ${packageName} is not installed; install it, or all again without --no-optional and --omit=optional, or name a file in ${variable}`
}

/** Only the checkout that `from` is part of: a directory further up may be anybody's. */
function checkoutOf(from: string): string | undefined {
  // An installed copy may lie below somebody's workspace.
  if (from.split(path.sep).includes('node_modules')) return undefined
  for (let directory = from; ; directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, 'pnpm-workspace.yaml'))) return directory
    if (directory === path.dirname(directory)) return undefined
  }
}
