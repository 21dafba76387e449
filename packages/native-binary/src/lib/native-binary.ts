import process from 'node:process'

/** A native file of TailProxy, and where it may be. */
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

/** An operating system and an architecture, as Node names them. */
export interface Platform {
  system: string
  architecture: string
}

/** Those with packages of their own. */
export const SUPPORTED_PLATFORMS: readonly Platform[] = [
  { system: 'linux', architecture: 'x64' },
  { system: 'linux', architecture: 'arm64' },
]

/** What this process runs on. */
export const HERE: Platform = { system: process.platform, architecture: process.arch }

/** As packages are named, `linux-x64`. */
export function platformName({ system, architecture }: Platform): string {
  return `${system}-${architecture}`
}
