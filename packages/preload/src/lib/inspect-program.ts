import { closeSync, openSync, readSync, statSync } from 'node:fs'
import process from 'node:process'
import { isElf, readElfHeader } from './elf.ts'
import { CommandNotExecutableError, NotWrappableError } from './errors.ts'

const HEAD_BYTES = 64 * 1024
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
 * @throws {NotWrappableError} when the program is static, set-uid or set-gid, or of another
 *   architecture, and so would run without the library
 * @throws {CommandNotExecutableError} when the file, or its interpreter, cannot be executed
 */
export function inspectProgram(file: string, options: InspectOptions = {}): string {
  let program = file
  for (let depth = 0; depth <= MAX_INTERPRETERS; depth++) {
    const head = readHead(program)
    if (isElf(head)) {
      checkElf(program, head, options)
      return program
    }
    // A file that is neither ELF nor a script is run by /bin/sh: execvp(3).
    program = interpreterOf(head) ?? '/bin/sh'
  }
  throw new CommandNotExecutableError(file, 'its interpreters are nested too deeply')
}

function readHead(file: string): Uint8Array {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'no such file (named as an interpreter?)'
        : 'its kind cannot be checked, because it is not readable'
    throw new CommandNotExecutableError(file, why)
  }
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.subarray(0, readSync(descriptor, head, 0, HEAD_BYTES, 0))
  } finally {
    closeSync(descriptor)
  }
}

function interpreterOf(head: Uint8Array): string | undefined {
  const line = Buffer.from(head.subarray(0, 256)).toString('latin1').split('\n', 1)[0] ?? ''
  return /^#![ \t]*([^ \t]+)/.exec(line)?.[1]
}

function checkElf(file: string, head: Uint8Array, options: InspectOptions): void {
  const { architecture = process.arch, uid = process.getuid?.() ?? 0 } = options
  const gids = options.gids ?? [process.getgid?.() ?? 0]
  const elf = readElfHeader(head)
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
