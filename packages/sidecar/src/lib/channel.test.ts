import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { test as base, expect, type Mock, vi } from 'vitest'
import { AnswerError, Channel, type ChannelHandlers } from './channel.ts'
import { SidecarError } from './errors.ts'

/** The sidecar's end of a channel, by hand. */
class Other extends Duplex {
  /** Every line that was written to it. */
  readonly lines: Record<string, unknown>[] = []

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const line of chunk.toString('utf8').split('\n').filter(Boolean)) {
      this.lines.push(JSON.parse(line))
    }
    done()
  }

  says(message: unknown): void {
    this.push(Buffer.from(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`))
  }
}

interface Handlers {
  onEvent: Mock<ChannelHandlers['onEvent']>
  onRequest: Mock<ChannelHandlers['onRequest']>
}

const test = base.extend<{ other: Other; handlers: Handlers; channel: Channel }>({
  other: async ({}, use) => {
    await use(new Other())
  },
  handlers: async ({}, use) => {
    await use({ onEvent: vi.fn(), onRequest: vi.fn(async () => ({})) })
  },
  channel: async ({ other, handlers }, use) => {
    const channel = new Channel(other, handlers)
    await use(channel)
    channel.close()
  },
})

const BROKEN = { code: 'ERR_SIDECAR_PROTOCOL' }

test('asks and resolves to the answer', async ({ channel, other }) => {
  const answer = channel.request('status', { deep: true })
  expect(other.lines).toEqual([{ id: 1, method: 'status', params: { deep: true } }])
  other.says({ id: 1, result: { state: 'running' } })
  expect(await answer).toEqual({ state: 'running' })
})

test('gives each answer to its own request, in any order', async ({ channel, other }) => {
  const answers = [channel.request('a', {}), channel.request('b', {}), channel.request('c', {})]
  for (const id of [3, 1, 2]) other.says({ id, result: { of: id } })
  expect(await Promise.all(answers)).toEqual([{ of: 1 }, { of: 2 }, { of: 3 }])
})

test('rejects with the code and the words of an error answer', async ({ channel, other }) => {
  const answer = channel.request('start', {})
  other.says({ id: 1, error: { code: 'denied', message: 'the key has expired' } })
  await expect(answer).rejects.toMatchObject({
    code: 'ERR_SIDECAR_REQUEST',
    reason: 'denied',
    method: 'start',
    message: 'the key has expired',
  })
})

test('has words for an error answer without any', async ({ channel, other }) => {
  const answer = channel.request('start', {})
  other.says({ id: 1, error: { code: 'busy', message: '' } })
  await expect(answer).rejects.toThrow('the sidecar failed "start" with "busy"')
})

test('rejects with the reason of an abort, and lets the late answer pass', async ({
  channel,
  other,
}) => {
  const controller = new AbortController()
  const answer = channel.request('start', {}, controller.signal)
  const reason = new Error('never mind')
  controller.abort(reason)
  await expect(answer).rejects.toBe(reason)
  const next = channel.request('status', {})
  other.says({ id: 1, result: {} })
  other.says({ id: 2, result: {} })
  expect(await next).toEqual({})
})

test('asks nothing when it is aborted before', async ({ channel, other }) => {
  const reason = new Error('never mind')
  await expect(channel.request('start', {}, AbortSignal.abort(reason))).rejects.toBe(reason)
  expect(other.lines).toEqual([])
})

test('keeps no listener on a signal when the answer is there', async ({ channel, other }) => {
  const { signal } = new AbortController()
  const remove = vi.spyOn(signal, 'removeEventListener')
  const answer = channel.request('status', {}, signal)
  other.says({ id: 1, result: {} })
  await answer
  expect(remove).toHaveBeenCalledOnce()
})

test('hands events over in their order', async ({ channel, other, handlers }) => {
  other.says({ event: 'state', params: { state: 'starting' } })
  other.says({ event: 'state', params: { state: 'running' } })
  await vi.waitFor(() => expect(handlers.onEvent).toHaveBeenCalledTimes(2))
  expect(handlers.onEvent.mock.calls.map(([, { state }]) => state)).toEqual(['starting', 'running'])
  channel.close()
})

test('sends events', ({ channel, other }) => {
  channel.send('clientWrite', { client: 1, bytes: '' })
  expect(other.lines).toEqual([{ event: 'clientWrite', params: { client: 1, bytes: '' } }])
})

test('answers what it is asked', async ({ channel, other, handlers }) => {
  handlers.onRequest.mockImplementation(async (method) => ({ you: method }))
  other.says({ id: 7, method: 'ask', params: {} })
  await vi.waitFor(() => expect(other.lines).toEqual([{ id: 7, result: { you: 'ask' } }]))
  channel.close()
})

test.for([
  [new AnswerError('denied', 'not today'), { code: 'denied', message: 'not today' }],
  [new Error('oops'), { code: 'internal', message: 'oops' }],
] as const)(
  'answers with an error when the handler throws %s',
  async ([thrown, error], { channel, other, handlers }) => {
    handlers.onRequest.mockRejectedValue(thrown)
    other.says({ id: 7, method: 'ask', params: {} })
    await vi.waitFor(() => expect(other.lines).toEqual([{ id: 7, error }]))
    channel.close()
  },
)

test.for([
  'garbage',
  '',
  '[]',
  'null',
  '{"id":1}',
  '{"id":1,"result":{},"more":1}',
  '{"id":1,"error":{"code":"unheard-of","message":""}}',
])('ends by a line it does not know: %s', async (line, { channel, other }) => {
  const answer = channel.request('status', {})
  other.says(line)
  await expect(answer).rejects.toMatchObject(BROKEN)
  expect(await channel.ended).toMatchObject(BROKEN)
  expect(other.destroyed).toBe(true)
})

test('ends by an answer that nobody asked for', async ({ channel, other }) => {
  other.says({ id: 3, result: {} })
  expect((await channel.ended).message).toContain('answered request 3')
})

test('ends by a line that never ends', async ({ channel, other }) => {
  other.push(Buffer.alloc(1024 * 1024, 'x'))
  expect(await channel.ended).toMatchObject({ name: 'MessageTooLongError', ...BROKEN })
})

test('reads no further line after the one it ended by', async ({ channel, other, handlers }) => {
  other.says('garbage\n{"event":"state","params":{}}')
  await channel.ended
  expect(handlers.onEvent).not.toHaveBeenCalled()
})

test('ends by a listener that throws, and says whose fault it was', async ({
  channel,
  other,
  handlers,
}) => {
  const cause = new TypeError('cannot read properties')
  handlers.onEvent.mockImplementation(() => {
    throw cause
  })
  other.says({ event: 'state', params: {} })
  expect(await channel.ended).toMatchObject({ code: 'ERR_SIDECAR_CHANNEL_CLOSED', cause })
})

test('rejects all that is pending, and all that follows, with the one error', async ({
  channel,
  other,
}) => {
  const answers = [channel.request('a', {}), channel.request('b', {})]
  other.destroy()
  const reason = await channel.ended
  expect(reason).toMatchObject({ code: 'ERR_SIDECAR_CHANNEL_CLOSED' })
  for (const answer of [...answers, channel.request('c', {})]) {
    await expect(answer).rejects.toBe(reason)
  }
})

test('keeps the cause of a channel that broke', async ({ channel, other }) => {
  const cause = new Error('read ECONNRESET')
  other.destroy(cause)
  expect(await channel.ended).toMatchObject({ cause })
})

test('writes nothing after its end', async ({ channel, other }) => {
  channel.close()
  channel.send('clientWrite', {})
  await channel.ended
  expect(other.lines).toEqual([])
})

test('counts the bytes in both directions', async ({ channel, other }) => {
  const answer = channel.request('zwölf', {})
  other.says({ id: 1, result: {} })
  await answer
  expect(channel.traffic).toEqual({
    written: Buffer.byteLength('{"id":1,"method":"zwölf","params":{}}\n'),
    read: Buffer.byteLength('{"id":1,"result":{}}\n'),
  })
})

test('throws nothing, and ends by a typed error if at all, whatever the bytes', async () => {
  const member = fc.oneof(fc.constantFrom('id', 'method', 'params', 'result', 'error', 'event'))
  const chunk = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => Buffer.from(`${text}\n`)),
    fc
      .dictionary(member, fc.oneof(fc.nat(3), fc.jsonValue()))
      .map((message) => Buffer.from(`${JSON.stringify(message)}\n`)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(chunk), async (chunks) => {
      const other = new Other()
      const channel = new Channel(other, { onEvent: () => {}, onRequest: async () => ({}) })
      const answer = channel.request('status', {}).catch((error: unknown) => error)
      for (const bytes of chunks) other.push(Buffer.from(bytes))
      other.push(null)
      other.destroy()
      expect(await channel.ended).toBeInstanceOf(SidecarError)
      await answer
    }),
  )
})
