import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs'
import { readElfHeader } from './elf.ts'

/** Why a file cannot be used. */
export interface Defect {
  kind: 'absent' | 'forbidden' | 'noexec' | 'broken' | 'foreign'
  /** What is said of the file: "is cut short: …". */
  found: string
}

export interface Demands {
  /** That of the machine, as Node names it. */
  architecture: string
  /** Whether it is run rather than loaded. */
  executable: boolean
  /** Whether a script will do. */
  allowScript: boolean
}

/**
 * Why a native file cannot be used, if it cannot: by its mode, its header and its length. Reads a
 * few hundred bytes, whatever its size.
 */
export function findDefect(file: string, demands: Demands): Defect | undefined {
  let descriptor: number
  try {
    // Not blocking: a FIFO would make us wait for its writer.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    return ofFailedOpen(error as NodeJS.ErrnoException)
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) return { kind: 'absent', found: 'is not a file' }
    return (
      (demands.executable ? ofMode(file, stats) : undefined) ??
      ofContent(descriptor, stats.size, demands)
    )
  } finally {
    closeSync(descriptor)
  }
}

function ofFailedOpen({ code, message }: NodeJS.ErrnoException): Defect {
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent', found: 'is missing' }
  const why = code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${message})`
  return { kind: 'forbidden', found: why }
}

const X_FOR_ALL = 0o111

function ofMode(file: string, { mode }: Stats): Defect | undefined {
  try {
    accessSync(file, constants.X_OK)
    return undefined
  } catch {
    // access(2): a file that all may execute is refused only where its file system is mounted noexec.
    if ((mode & X_FOR_ALL) === X_FOR_ALL) {
      return { kind: 'noexec', found: 'is on a file system mounted noexec' }
    }
    const octal = (mode & 0o777).toString(8).padStart(3, '0')
    return { kind: 'forbidden', found: `may not be executed by this user (its mode is ${octal})` }
  }
}

function ofContent(descriptor: number, size: number, demands: Demands): Defect | undefined {
  const readAt = (position: number, length: number) => {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position))
  }
  if (demands.allowScript && readAt(0, 2).toString('latin1') === '#!') return undefined
  const elf = readElfHeader(readAt)
  if (!elf) {
    return { kind: 'broken', found: `is no whole ELF file (it has ${size} bytes)` }
  }
  if (elf.architecture !== demands.architecture) {
    const found = `is for ${elf.architecture}, and this machine is ${demands.architecture}`
    return { kind: 'foreign', found }
  }
  if (elf.extent > size) {
    const found = `is cut short: it has ${size} bytes, and by its headers ${elf.extent}`
    return { kind: 'broken', found }
  }
  return undefined
}
