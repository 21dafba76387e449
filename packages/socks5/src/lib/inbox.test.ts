import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { INBOX_LIMIT, Inbox } from './inbox.ts'

const { signal } = new AbortController()

describe('an inbox', () => {
  test('gives all there is, once there is any', async () => {
    const stream = new PassThrough()
    const inbox = new Inbox(stream, () => {})
    const next = inbox.next(signal)
    stream.write('one')
    expect(String(Buffer.from(await next))).toBe('one')
    stream.write('two')
    stream.write('three')
    await new Promise((resolve) => setImmediate(resolve))
    expect(String(Buffer.from(await inbox.next(signal)))).toBe('twothree')
  })

  test('stops reading at its limit and goes on when it is emptied', async () => {
    const stream = new PassThrough()
    const inbox = new Inbox(stream, () => {})
    stream.write(new Uint8Array(INBOX_LIMIT - 1))
    await new Promise((resolve) => setImmediate(resolve))
    expect(stream.isPaused()).toBe(false)
    stream.write(new Uint8Array(1))
    await vi.waitFor(() => expect(stream.isPaused()).toBe(true))
    expect(await inbox.next(signal)).toHaveLength(INBOX_LIMIT)
    expect(stream.isPaused()).toBe(false)
  })

  test('tells of the end at once, and gives what came before it', async () => {
    const stream = new PassThrough()
    const onEnd = vi.fn()
    const inbox = new Inbox(stream, onEnd)
    stream.end('last')
    await once(stream, 'end')
    expect(onEnd).toHaveBeenCalledOnce()
    expect(inbox.exhausted).toBe(false)
    expect(await inbox.next(signal)).toHaveLength(4)
    expect(inbox.exhausted).toBe(true)
    await expect(inbox.next(signal)).rejects.toMatchObject({ code: 'ERR_SOCKS5_CLOSED' })
  })

  test('leaves the rest in the stream when it is released', async () => {
    const stream = new PassThrough()
    const inbox = new Inbox(stream, () => {})
    stream.write('mine')
    await new Promise((resolve) => setImmediate(resolve))
    expect(inbox.release()).toHaveLength(4)
    stream.end('yours')
    expect(String(Buffer.concat(await stream.toArray()))).toBe('yours')
  })

  test('gives up waiting with the signal', async () => {
    const inbox = new Inbox(new PassThrough(), () => {})
    await expect(inbox.next(AbortSignal.abort('no'))).rejects.toBe('no')
  })
})
