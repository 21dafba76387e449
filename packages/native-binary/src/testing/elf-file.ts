/** What a made-up executable says in its header; by default what this machine would run. */
export interface ElfFile {
  bits?: 32 | 64
  little?: boolean
  machine?: number
  /** Types of the program headers; 3 is PT_INTERP. */
  programHeaders?: readonly number[]
  /** Where they are. @default right behind the header */
  programHeadersAt?: number
  /** Bytes of the file that the first of them covers. @default 0 */
  covered?: number
}

export const PT_LOAD = 1
export const PT_INTERP = 3
export const EM_X86_64 = 62
export const EM_AARCH64 = 183

/** The bytes of an ELF file (elf(5)) with no more in it than its headers. */
export function elfFile(file: ElfFile = {}): Buffer {
  const { bits = 64, little = true, programHeaders = [PT_LOAD, PT_INTERP] } = file
  const wide = bits === 64
  const size = wide ? 56 : 32
  const at = file.programHeadersAt ?? (wide ? 64 : 52)
  const bytes = Buffer.alloc(Math.max(64, at + programHeaders.length * size))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1])
  view.setUint16(16, 3, little)
  view.setUint16(18, file.machine ?? ownMachine(), little)
  if (wide) view.setBigUint64(32, BigInt(at), little)
  else view.setUint32(28, at, little)
  view.setUint16(wide ? 54 : 42, size, little)
  view.setUint16(wide ? 56 : 44, programHeaders.length, little)
  for (const [index, type] of programHeaders.entries()) {
    view.setUint32(at + index * size, type, little)
  }
  if (wide && programHeaders.length > 0) {
    view.setBigUint64(at + 32, BigInt(file.covered ?? 0), little)
  }
  return bytes
}

function ownMachine(): number {
  return process.arch === 'arm64' ? EM_AARCH64 : EM_X86_64
}
