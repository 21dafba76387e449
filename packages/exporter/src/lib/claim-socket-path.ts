import { lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { ControlSocketError } from './errors.ts'

/** unix(7): sun_path has 108 bytes, the NUL included. Node cuts a longer one without a word. */
const MAX_PATH_BYTES = 107

/**
 * Makes way for a socket at the path: removes one that nobody serves any more.
 * @throws {ControlSocketError} when somebody does, when it is no socket, or when it is too long
 */
export async function claimSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new ControlSocketError(path, `a socket's path has ${MAX_PATH_BYTES} bytes at the most`)
  }
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return
  if (!stat.isSocket()) throw new ControlSocketError(path, 'something else has that name')
  if (await isServed(path)) throw new ControlSocketError(path, 'somebody else serves it')
  rmSync(path, { force: true })
}

/** connect(2) is refused when no process has the listening socket any more. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // A full backlog, or a lack of rights, says that there is somebody.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })
}
