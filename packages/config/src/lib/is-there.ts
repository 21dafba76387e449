import { lstatSync } from 'node:fs'

/** Whether something has that name, be it a link to nothing: then it is for who reads it to say so. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Nothing can have such a name.
    return code !== 'ENOTDIR' && code !== 'ENAMETOOLONG'
  }
}
