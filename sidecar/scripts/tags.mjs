/** The same for the binary and its tests, so that they share what the compiler has cached. */
export const BUILD_TAGS = ''
