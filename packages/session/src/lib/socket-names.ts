/** Where a session's directory of sockets has the one for other commands. */
export const SESSION_SOCKET = 'session.sock'
