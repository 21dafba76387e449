import manifest from '../../package.json' with { type: 'json' }

/** What the driver calls itself in `hello`: the version of this package. */
export const DRIVER_VERSION: string = manifest.version
