import { findLibrary, placeLibrary } from '@tailproxy/preload'

/**
 * Where the preload library is for programs to load.
 *
 * @throws {NativeBinaryNotFoundError} @throws {LibraryPlacementError} when there is none
 */
export const library = (): string => placeLibrary(findLibrary())

/** The same for a session, which is asked again and again. */
export function keepLibrary(): () => string {
  let found: string | undefined
  return () => {
    found ??= findLibrary()
    return placeLibrary(found)
  }
}
