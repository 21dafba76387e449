/** The version of docs/session-api.md that this package speaks. */
export const SESSION_API = 1
