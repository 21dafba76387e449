import { z } from 'zod'
import { ERROR_CODES } from './error-code.ts'
import { Identifier, Text } from './fields.ts'

/** The version of docs/sidecar-channel.md that this driver speaks. */
export const PROTOCOL_VERSION = 1

/** Bytes of one message with its newline. A longer one ends the session. */
export const MAX_MESSAGE_BYTES = 1024 * 1024

const Body = z.record(z.string(), z.unknown())

const RequestEnvelope = z.strictObject({ id: Identifier, method: Text, params: Body })
const EventEnvelope = z.strictObject({ event: Text, params: Body })
const ResultEnvelope = z.strictObject({ id: Identifier, result: Body })
const ErrorEnvelope = z.strictObject({
  id: Identifier,
  error: z.strictObject({ code: z.enum(ERROR_CODES), message: z.string() }),
})

export type Envelope =
  | ({ kind: 'request' } & z.infer<typeof RequestEnvelope>)
  | ({ kind: 'event' } & z.infer<typeof EventEnvelope>)
  | ({ kind: 'result' } & z.infer<typeof ResultEnvelope>)
  | ({ kind: 'error' } & z.infer<typeof ErrorEnvelope>)

/**
 * Parses one line of the channel.
 *
 * @throws {SyntaxError} when it is not JSON
 * @throws {z.ZodError} when it is none of the four shapes
 */
export function parseEnvelope(line: string): Envelope {
  const value: unknown = JSON.parse(line)
  if (typeof value === 'object' && value !== null) {
    if ('method' in value) return { kind: 'request', ...RequestEnvelope.parse(value) }
    if ('error' in value) return { kind: 'error', ...ErrorEnvelope.parse(value) }
    if ('result' in value) return { kind: 'result', ...ResultEnvelope.parse(value) }
  }
  return { kind: 'event', ...EventEnvelope.parse(value) }
}
