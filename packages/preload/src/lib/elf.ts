const EI_CLASS_64 = 2
const EI_DATA_LITTLE = 1
const PT_INTERP = 3
const MACHINES: Record<number, string> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64' }

/** What of an ELF header (elf(5)) tells whether ld.so will load a library into the program. */
export interface ElfHeader {
  bits: 32 | 64
  /** As Node names it (`x64`), or the number of e_machine. */
  architecture: string
  /** Whether the program asks for an interpreter, that is, for ld.so. */
  dynamic: boolean
}

export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46
}

/**
 * Reads the header and the program headers of an ELF file; `head` is its first bytes (64 KiB are
 * plenty). Undefined when it is not ELF, cut short or of a form that Linux would not execute.
 */
export function readElfHeader(head: Uint8Array): ElfHeader | undefined {
  if (!isElf(head) || head.length < 64) return undefined
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const wide = head[4] === EI_CLASS_64
  const little = head[5] === EI_DATA_LITTLE
  const machine = view.getUint16(18, little)
  const offset = wide ? Number(view.getBigUint64(32, little)) : view.getUint32(28, little)
  const size = view.getUint16(wide ? 54 : 42, little)
  const count = view.getUint16(wide ? 56 : 44, little)
  if (size < (wide ? 56 : 32)) return undefined
  const types = new Set<number>()
  for (let index = 0; index < count; index++) {
    const at = offset + index * size
    if (at + 4 > head.length) return undefined
    types.add(view.getUint32(at, little))
  }
  return {
    bits: wide ? 64 : 32,
    architecture: MACHINES[machine] ?? String(machine),
    dynamic: types.has(PT_INTERP),
  }
}
