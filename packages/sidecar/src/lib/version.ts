/** What the driver calls itself in `hello`; held equal to package.json by a test. */
export const DRIVER_VERSION = '0.1.0'
