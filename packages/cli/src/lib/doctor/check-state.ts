import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import type { RawSettings } from '@tailproxy/config'
import { checkStateDirectory } from '@tailproxy/session/host'
import { statePlace } from '../state-place.ts'
import { type DoctorCheck, messageOf } from './doctor-check.ts'

const name = 'state'
/** Bytes. Keys and a log need less; below that anything on the disk fails soon. */
const LITTLE = 16 << 20

/** Whether keys can be kept where they are to be. */
export async function checkState(raw: RawSettings): Promise<DoctorCheck> {
  try {
    const place = await statePlace(raw)
    const isThere = existsSync(place)
    if (isThere) checkStateDirectory(place)
    const base = isThere ? place : nearest(place)
    accessSync(base, constants.W_OK)
    const { bavail, bsize } = statfsSync(base)
    if (bavail * bsize < LITTLE) {
      const found = `${place}: less than ${LITTLE >> 20} MiB are free there`
      const fix = 'make room, or name another directory with --state-dir'
      return { name, status: bavail === 0 ? 'fail' : 'warn', found, fix }
    }
    return { name, status: 'ok', found: isThere ? place : `${place}, not made yet` }
  } catch (error) {
    const { code, path: where } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EROFS') {
      return { name, status: 'fail', found: messageOf(error) }
    }
    const fix = 'make it writable, or name another directory with --state-dir'
    return { name, status: 'fail', found: `${where} cannot be written to`, fix }
  }
}

/** The directory above that there is. */
function nearest(place: string): string {
  let above = path.dirname(path.resolve(place))
  while (!existsSync(above)) above = path.dirname(above)
  return above
}
