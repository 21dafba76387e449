export {
  CommandNotExecutableError,
  CommandNotFoundError,
  LibraryPlacementError,
  NotWrappableError,
  type NotWrappableReason,
} from './lib/errors.ts'
export { findCommand } from './lib/find-command.ts'
export { findLibrary } from './lib/find-library.ts'
export { type InspectOptions, inspectProgram } from './lib/inspect-program.ts'
export { DEFAULT_PLACES, type PlaceLibraryOptions, placeLibrary } from './lib/place-library.ts'
export {
  PRELOAD_VARIABLES,
  type PreloadExports,
  type PreloadSettings,
  preloadEnvironment,
  withoutPreload,
} from './lib/preload-environment.ts'
