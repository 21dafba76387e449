export { canonicalAddress } from './lib/address.ts'
export {
  type ClientHello,
  type ClientMessage,
  type CloseV1,
  type CloseV2,
  encodeClientMessage,
  type ListenV1,
  type ListenV2,
  parseClientLine,
} from './lib/client-message.ts'
export { FieldError } from './lib/field-error.ts'
export type { Family, FamilyV1 } from './lib/fields.ts'
export { describeLineError, type LineError, type LineErrorCode } from './lib/line-error.ts'
export {
  type ClientLineReader,
  createClientLineReader,
  createServerLineReader,
  type ServerLineReader,
} from './lib/line-reader.ts'
export { MAX_LINE_BYTES } from './lib/line-splitter.ts'
export type { Parsed } from './lib/parsed.ts'
export {
  encodeServerMessage,
  type Ok,
  parseServerLine,
  type RefusalCode,
  type Refused,
  type ServerHello,
  type ServerMessage,
} from './lib/server-message.ts'
