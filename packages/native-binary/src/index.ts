export {
  findNativeBinary,
  type NativeBinary,
  NativeBinaryNotFoundError,
} from './lib/find-native-binary.ts'
