import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNativeBinary } from '@tailproxy/native-binary'

/**
 * The sidecar's binary: `TAILPROXY_SIDECAR`, else the platform's package
 * (`@tailproxy/sidecar-linux-x64`), else a local build of this checkout.
 *
 * @throws {NativeBinaryNotFoundError} code `ERR_NATIVE_BINARY_NOT_FOUND`
 * @throws {NativeBinaryUnusableError} code `ERR_NATIVE_BINARY_UNUSABLE`: cut short, for another
 *   machine, not to be read or executed
 */
export function findSidecar(env: NodeJS.ProcessEnv = process.env): string {
  const here = path.dirname(fileURLToPath(import.meta.url))
  return findNativeBinary(
    {
      title: 'the sidecar',
      variable: 'TAILPROXY_SIDECAR',
      packagePrefix: '@tailproxy/sidecar',
      pathInPackage: 'bin/tailproxy-sidecar',
      pathInCheckout: 'sidecar/dist/tailproxy-sidecar',
      executable: true,
    },
    here,
    env,
  )
}
