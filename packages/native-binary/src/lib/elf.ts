const EI_CLASS_64 = 2
const EI_DATA_LITTLE = 1
const PT_INTERP = 3
const MACHINES: Record<number, string> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64' }

/** Both header sizes of elf(5); a 32-bit file is padded to the larger by its program headers. */
const HEADER_BYTES = 64
/** Linux executes no file with a larger table of program headers (fs/binfmt_elf.c). */
const MAX_TABLE_BYTES = 65_536

/** What of an ELF header (elf(5)) tells whether a file is whole, and whether ld.so will load a library into it. */
export interface ElfHeader {
  bits: 32 | 64
  /** As Node names it (`x64`), or the number of e_machine. */
  architecture: string
  /** Whether the program asks for an interpreter, that is, for ld.so. */
  dynamic: boolean
  /** Bytes that the file must have for all that its headers tell of; a shorter one is cut off. */
  extent: number
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
  const word = (at: number, wideAt: number) => readWord(view, wide ? wideAt : at, wide, little)
  const half = (at: number, wideAt: number) => view.getUint16(wide ? wideAt : at, little)
  const offset = word(28, 32)
  const size = half(42, 54)
  const length = size * half(44, 56)
  if (size < (wide ? 56 : 32) || length > MAX_TABLE_BYTES) return undefined
  if (!Number.isSafeInteger(offset + length)) return undefined
  const table = readAt(offset, length)
  if (table.length < length) return undefined
  const segments = readSegments(table, size, wide, little)
  const machine = view.getUint16(18, little)
  return {
    bits: wide ? 64 : 32,
    architecture: MACHINES[machine] ?? String(machine),
    dynamic: segments.some(({ type }) => type === PT_INTERP),
    extent: Math.max(
      word(32, 40) + half(46, 58) * half(48, 60),
      offset + length,
      ...segments.map(({ end }) => end),
    ),
  }
}

interface Segment {
  type: number
  /** Where in the file it ends. */
  end: number
}

function readSegments(table: Uint8Array, size: number, wide: boolean, little: boolean): Segment[] {
  const view = viewOf(table)
  const segments: Segment[] = []
  for (let at = 0; at + size <= table.length; at += size) {
    const start = readWord(view, at + (wide ? 8 : 4), wide, little)
    const length = readWord(view, at + (wide ? 32 : 16), wide, little)
    segments.push({ type: view.getUint32(at, little), end: length === 0 ? 0 : start + length })
  }
  return segments
}

function readWord(view: DataView, at: number, wide: boolean, little: boolean): number {
  return wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
