import { closeSync, openSync, readSync, statSync } from 'node:fs'
import process from 'node:process'
import { type ElfHeader, isElf, readElfHeader } from '@tailproxy/native-binary'
import { CommandNotExecutableError, NotWrappableError } from './errors.ts'

/** As much as the kernel looks at for "#!" (BINPRM_BUF_SIZE of linux/binfmts.h). */
const HEAD_BYTES = 256
/** The kernel's own limit of nested interpreters (fs/exec.c). */
const MAX_INTERPRETERS = 5

export interface InspectOptions {
  /** @default process.arch */
  architecture?: string
  /** Our own ids; a set-uid program of the same user changes nothing. */
  uid?: number
  gids?: readonly number[]
}

/**
 * The ELF program that the kernel will run for `file`: itself, or the last interpreter of a
 * script. Checks that ld.so will load a library into it.
 *
 * @throws {NotWrappableError} when the program is static, set-uid or set-gid, of another
 *   architecture or unreadable, and so would or might run without the library
 * @throws {CommandNotExecutableError} when the file, or its interpreter, cannot be executed
 */
export function inspectProgram(file: string, options: InspectOptions = {}): string {
  let program = file
  for (let depth = 0; depth <= MAX_INTERPRETERS; depth++) {
    const { head, elf } = readProgram(program)
    if (isElf(head)) {
      checkElf(program, elf, options)
      return program
    }
    // A file that is neither ELF nor a script is run by /bin/sh: execvp(3).
    program = interpreterOf(head) ?? '/bin/sh'
  }
  throw new CommandNotExecutableError(file, 'its interpreters are nested too deeply')
}

function readProgram(file: string): { head: Uint8Array; elf: ElfHeader | undefined } {
  const descriptor = open(file)
  try {
    const readAt = (position: number, length: number) => {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position))
    }
    return { head: readAt(0, HEAD_BYTES), elf: readElfHeader(readAt) }
  } finally {
    closeSync(descriptor)
  }
}

function open(file: string): number {
  try {
    // Opened only as a file: a FIFO would make us wait for its writer.
    if (!statSync(file).isFile()) throw new CommandNotExecutableError(file, 'is not a file')
    return openSync(file, 'r')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CommandNotExecutableError(file, 'there is no such interpreter')
    }
    if (code !== 'EACCES') throw error
    throw new NotWrappableError(
      'unreadable',
      `${file} may be executed but not read, so whether the preload library would be loaded cannot be told`,
    )
  }
}

function interpreterOf(head: Uint8Array): string | undefined {
  const line = Buffer.from(head).toString('latin1').split('\n', 1)[0] ?? ''
  const written = /^#![ \t]*([^ \t\0]+)/.exec(line)?.[1]
  return written === undefined ? undefined : Buffer.from(written, 'latin1').toString('utf8')
}

function checkElf(file: string, elf: ElfHeader | undefined, options: InspectOptions): void {
  const { architecture = process.arch, uid = process.getuid?.() ?? 0 } = options
  const gids = options.gids ?? [process.getgid?.() ?? 0]
  if (!elf) throw new CommandNotExecutableError(file, 'is not a valid ELF file')
  if (elf.architecture !== architecture || (elf.bits === 32 && architecture.endsWith('64'))) {
    throw new NotWrappableError(
      'foreign-architecture',
      `${file} is a ${elf.bits}-bit ${elf.architecture} program, and the preload library is for ${architecture}`,
    )
  }
  if (!elf.dynamic) {
    throw new NotWrappableError(
      'static',
      `${file} is statically linked, so the preload library cannot be loaded into it`,
    )
  }
  const { mode, uid: owner, gid } = statSync(file)
  if ((mode & 0o4000) !== 0 && owner !== uid) {
    throw new NotWrappableError(
      'set-uid',
      `${file} is set-uid (user ${owner}), and such programs do not load the preload library`,
    )
  }
  if ((mode & 0o2010) === 0o2010 && !gids.includes(gid)) {
    throw new NotWrappableError(
      'set-gid',
      `${file} is set-gid (group ${gid}), and such programs do not load the preload library`,
    )
  }
}
