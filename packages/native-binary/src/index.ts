export { type ElfHeader, isElf, type ReadAt, readElfHeader } from './lib/elf.ts'
export { NativeBinaryNotFoundError, NativeBinaryUnusableError } from './lib/errors.ts'
export { findNativeBinary } from './lib/find-native-binary.ts'
export { type NativeBinary, type Platform, SUPPORTED_PLATFORMS } from './lib/native-binary.ts'
