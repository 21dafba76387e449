/** Says to a new process that it is to be a session in the background. */
export const BACKGROUND_VARIABLE = 'TAILPROXY_BACKGROUND'
