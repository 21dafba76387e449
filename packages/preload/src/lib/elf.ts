const EI_CLASS_64 = 2
const EI_DATA_LITTLE = 1
const PT_INTERP = 3
const MACHINES: Record<number, string> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64' }

/** Both header sizes of elf(5); a 32-bit file is padded to the larger by its program headers. */
const HEADER_BYTES = 64
/** Linux executes no file with a larger table of program headers (fs/binfmt_elf.c). */
const MAX_TABLE_BYTES = 65_536

/** What of an ELF header (elf(5)) tells whether ld.so will load a library into the program. */
export interface ElfHeader {
  bits: 32 | 64
  /** As Node names it (`x64`), or the number of e_machine. */
  architecture: string
  /** Whether the program asks for an interpreter, that is, for ld.so. */
  dynamic: boolean
}

/** The bytes of a file from `position` on; fewer than `length` only at its end. */
export type ReadAt = (position: number, length: number) => Uint8Array

export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46
}

/**
 * Reads the header of an ELF file and its program headers, wherever in the file they are
 * (patchelf puts them at the end). Undefined when it is not ELF, cut short or of a form that Linux
 * would not execute.
 */
export function readElfHeader(readAt: ReadAt): ElfHeader | undefined {
  const head = readAt(0, HEADER_BYTES)
  if (!isElf(head) || head.length < HEADER_BYTES) return undefined
  const view = viewOf(head)
  const wide = head[4] === EI_CLASS_64
  const little = head[5] === EI_DATA_LITTLE
  const offset = wide ? Number(view.getBigUint64(32, little)) : view.getUint32(28, little)
  const size = view.getUint16(wide ? 54 : 42, little)
  const count = view.getUint16(wide ? 56 : 44, little)
  const length = size * count
  if (size < (wide ? 56 : 32) || length > MAX_TABLE_BYTES) return undefined
  if (!Number.isSafeInteger(offset + length)) return undefined
  const table = readAt(offset, length)
  if (table.length < length) return undefined
  const machine = view.getUint16(18, little)
  return {
    bits: wide ? 64 : 32,
    architecture: MACHINES[machine] ?? String(machine),
    dynamic: programHeaderTypes(table, size, little).includes(PT_INTERP),
  }
}

function programHeaderTypes(table: Uint8Array, size: number, little: boolean): number[] {
  const view = viewOf(table)
  const types: number[] = []
  for (let at = 0; at + size <= table.length; at += size) types.push(view.getUint32(at, little))
  return types
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
