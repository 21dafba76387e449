export { type ElfFile, EM_AARCH64, EM_X86_64, elfFile, PT_INTERP, PT_LOAD } from './elf-file.ts'
