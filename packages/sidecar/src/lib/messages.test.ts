import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { commonMethods, DriverEvent } from './common-messages.ts'
import { type Envelope, parseEnvelope } from './envelope.ts'
import { labMethods } from './lab-messages.ts'
import { nodeMethods } from './node-messages.ts'
import { AskParams, AskResult, SidecarEvent } from './sidecar-messages.ts'

interface Vector {
  name: string
  from: 'node' | 'sidecar'
  kind: 'request' | 'answer' | 'event'
  method?: string
  line: string
  valid: boolean
  why?: string
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../../vectors/messages.json', import.meta.url), 'utf8'),
)

/** Every method by who is asked. */
const askedOf: Record<Vector['from'], Record<string, { params: z.ZodType; result: z.ZodType }>> = {
  sidecar: { ...commonMethods, ...nodeMethods, ...labMethods },
  node: { ask: { params: AskParams, result: AskResult } },
}

function accepts({ from, kind, method = '', line }: Vector): boolean {
  let message: Envelope
  try {
    message = parseEnvelope(line)
  } catch {
    return false
  }
  const other = from === 'node' ? 'sidecar' : 'node'
  switch (message.kind) {
    case 'event': {
      const { event, params } = message
      const schema = from === 'node' ? DriverEvent : SidecarEvent
      return kind === 'event' && schema.safeParse({ event, params }).success
    }
    case 'request':
      return (
        kind === 'request' &&
        askedOf[other][message.method]?.params.safeParse(message.params).success === true
      )
    case 'result':
      return (
        kind === 'answer' &&
        askedOf[from][method]?.result.safeParse(message.result).success === true
      )
    case 'error':
      return kind === 'answer'
  }
}

test('the vectors have an accepted line for every message', () => {
  const methods = [...Object.keys(askedOf.sidecar), ...Object.keys(askedOf.node)]
  const accepted = vectors.filter(({ valid }) => valid)
  for (const method of methods) {
    const kinds = accepted.filter((vector) => vector.method === method).map(({ kind }) => kind)
    expect(kinds, method).toEqual(expect.arrayContaining(['request', 'answer']))
  }
  const events = accepted.filter(({ kind }) => kind === 'event').map(({ method }) => method)
  const names = [...DriverEvent.options, ...SidecarEvent.options].map(
    ({ shape }) => shape.event.value,
  )
  expect(new Set(events)).toEqual(new Set(names))
})

describe('each vector', () => {
  test.for(vectors.filter(({ valid }) => valid))('is accepted: $from, $name', (vector) => {
    expect(accepts(vector)).toBe(true)
  })

  test.for(vectors.filter(({ valid }) => !valid))('is refused: $from, $name ($why)', (vector) => {
    expect(accepts(vector)).toBe(false)
  })
})
