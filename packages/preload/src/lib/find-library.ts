import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNativeBinary } from '@tailproxy/native-binary'

/**
 * libtailproxy.so as it was built or installed: `TAILPROXY_PRELOAD_LIBRARY`, else the platform's
 * package (`@tailproxy/preload-linux-x64`), else a local build of this checkout. Load it from
 * where {@link placeLibrary} puts it.
 *
 * @throws {NativeBinaryNotFoundError} code `ERR_NATIVE_BINARY_NOT_FOUND`
 * @throws {NativeBinaryUnusableError} code `ERR_NATIVE_BINARY_UNUSABLE`: cut short, for another
 *   machine, not to be read or executed
 */
export function findLibrary(env: NodeJS.ProcessEnv = process.env): string {
  const here = path.dirname(fileURLToPath(import.meta.url))
  return findNativeBinary(
    {
      title: 'libtailproxy.so',
      variable: 'TAILPROXY_PRELOAD_LIBRARY',
      packagePrefix: '@tailproxy/preload',
      pathInPackage: 'lib/libtailproxy.so',
      pathInCheckout: 'native/preload/dist/libtailproxy.so',
      executable: false,
    },
    here,
    env,
  )
}
