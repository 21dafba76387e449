import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { LibraryPlacementError } from './errors.ts'

/** Sticky directories that every user can read and that have neither space nor colon in their names. */
export const DEFAULT_PLACES: readonly string[] = ['/tmp', '/var/tmp', '/dev/shm']

export interface PlaceLibraryOptions {
  /** Directories to try in turn. @default DEFAULT_PLACES */
  places?: readonly string[]
}

/**
 * Copies the library to where ld.so will load it from, whoever the program becomes, and returns
 * that path: `/tmp/tailproxy-UID/libtailproxy-ID.so`, with the library's build id.
 *
 * ld.so separates LD_PRELOAD by spaces and colons, and passes over a library that the program's
 * user cannot read, without a word that a program would see; so it is never loaded from where it
 * was installed. The directory must be ours and writable by nobody else, the content is compared,
 * not trusted, and a place mounted noexec, from which ld.so could not map it, is passed over.
 *
 * @throws {LibraryPlacementError} when no place will do
 */
export function placeLibrary(library: string, options: PlaceLibraryOptions = {}): string {
  const { places = DEFAULT_PLACES } = options
  const content = readFileSync(library)
  const id = (buildIdOf(content) ?? hashOf(content)).slice(0, 16)
  const refusals: string[] = []
  for (const place of places) {
    const directory = path.join(place, `tailproxy-${process.geteuid?.() ?? 0}`)
    try {
      checkPlace(place)
      claimDirectory(directory)
      const file = path.join(directory, `libtailproxy-${id}.so`)
      placeFile(file, content)
      checkExecutable(file)
      return file
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new LibraryPlacementError(
    `no place for the preload library that every user can read: ${refusals.join('; ')}`,
  )
}

/** A note of type NT_GNU_BUILD_ID with 20 bytes, little-endian: elf(5). Linkers put it before the code. */
const BUILD_ID_NOTE = Buffer.from('\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0', 'latin1')
const BUILD_ID_BYTES = 20
const HEAD_BYTES = 4096

function buildIdOf(content: Buffer): string | undefined {
  const note = content.subarray(0, HEAD_BYTES).indexOf(BUILD_ID_NOTE)
  if (note === -1) return undefined
  const start = note + BUILD_ID_NOTE.length
  const id = content.subarray(start, start + BUILD_ID_BYTES)
  return id.length === BUILD_ID_BYTES ? id.toString('hex') : undefined
}

/** Loading `node:crypto` takes milliseconds, which every command would pay. */
function hashOf(content: Buffer): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(content).digest('hex')
}

function checkPlace(place: string): void {
  // "$" too: ld.so expands $ORIGIN and its like in LD_PRELOAD (ld.so(8)).
  if (/[\s:$]/.test(place)) throw new Error(`${place} has a character that ld.so takes apart`)
  if ((statSync(place).mode & 0o1002) === 0o0002) {
    throw new Error(`${place} is writable by all without the sticky bit`)
  }
}

/** access(2): EACCES for a file with its x bits set means that the mount is noexec. */
function checkExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK)
  } catch (cause) {
    throw new Error(`${file} is on a file system mounted noexec`, { cause })
  }
}

function claimDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o755 })
    // mkdir(2) is subject to the umask, and a private directory would defeat its purpose.
    chmodSync(directory, 0o755)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const stat = lstatSync(directory)
  if (!stat.isDirectory()) throw new Error(`${directory} is not a directory`)
  if (stat.uid !== process.geteuid?.()) {
    throw new Error(`${directory} belongs to user ${stat.uid}, not to us`)
  }
  if ((stat.mode & 0o022) !== 0) throw new Error(`${directory} is writable by others`)
  if ((stat.mode & 0o055) !== 0o055) chmodSync(directory, 0o755)
}

function placeFile(file: string, content: Buffer): void {
  if (isPlaced(file, content)) return
  const drafts = mkdtempSync(path.join(path.dirname(file), 'draft-'))
  try {
    const draft = path.join(drafts, 'draft')
    writeFileSync(draft, content, { flag: 'wx', mode: 0o555 })
    chmodSync(draft, 0o555)
    // rename(2) is atomic: a program that starts meanwhile sees the old file or the whole new one.
    renameSync(draft, file)
  } finally {
    rmSync(drafts, { recursive: true, force: true })
  }
  if (!isPlaced(file, content)) throw new Error(`${file} is not what was written to it`)
}

function isPlaced(file: string, content: Buffer): boolean {
  try {
    const stat = lstatSync(file)
    return (
      stat.isFile() &&
      stat.uid === process.geteuid?.() &&
      (stat.mode & 0o777) === 0o555 &&
      stat.size === content.length &&
      readFileSync(file).equals(content)
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
