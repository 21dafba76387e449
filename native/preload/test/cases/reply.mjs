// What the proxy answers: read to its last byte and no further, and each failure with its errno.
import { match, ok } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe } from '../lib/program.mjs'
import { CREDENTIAL, closedPort, credentialEnvironment, socksServer } from '../lib/servers.mjs'
import { reply } from '../lib/socks-server.mjs'
import { FOUR, testBoth, world } from '../lib/world.mjs'
import { replies } from './unit.mjs'

const BANNER = '220 the server speaks first'
const bounds = {
  IPv4: reply(0),
  IPv6: Buffer.from([5, 0, 0, 4, ...Array(16).fill(9), 1, 2]),
  'an empty domain': Buffer.from([5, 0, 0, 3, 0, 1, 2]),
  'the longest domain': Buffer.from([5, 0, 0, 3, 255, ...Array(255).fill(97), 1, 2]),
}
for (const [name, bound] of Object.entries(bounds)) {
  for (const chunk of [0, 1, 7]) {
    const how = chunk ? `${chunk} bytes at a time` : 'in one piece'
    test(`a reply with ${name}, ${how}, leaves what follows to the program`, async (context) => {
      const socks = await socksServer(context, {
        async onConnect(_request, socket, before) {
          const all = Buffer.concat([before, bound, Buffer.from(BANNER)])
          socket.setNoDelay(true)
          for (let at = 0; at < all.length; at += chunk || all.length) {
            socket.write(all.subarray(at, at + (chunk || all.length)))
            if (chunk) await new Promise((resolve) => setImmediate(resolve))
          }
          socket.end()
          return true
        },
      })
      for (const modes of [[], ['nonblocking'], ['lowat']]) {
        const args = [FOUR, 80, 'read', ...modes]
        const seen = await observe(context, 'dial', args, { env: environmentFor(socks) })
        match(seen, /^connect: ok$/m)
        ok(seen.includes(`read ${BANNER.length}: ${BANNER}\n`), seen)
      }
    })
  }
}

/** A server that answers a request with these bytes, and then ends unless told to stay. */
function answering(context, bytes, { stay = false, reset = false } = {}) {
  return socksServer(context, {
    onConnect(_request, socket) {
      if (reset) socket.resetAndDestroy()
      else if (stay) socket.write(Buffer.from(bytes))
      else socket.end(Buffer.from(bytes))
      return true
    },
  })
}

for (const { reply: code, errno } of replies) {
  testBoth(`reply ${code} is ${errno}`, async (context, kind) => {
    const socks = await answering(context, [5, 0, ...reply(code)])
    for (const modes of [[], ['nonblocking']]) {
      const args = [FOUR, 80, 'none', ...modes]
      const seen = await observe(context, 'dial', args, { env: environmentFor(socks), kind })
      match(seen, new RegExp(`^connect: ${errno}\\npending: 0\\n`))
      match(seen, /^peer: ENOTCONN$/m)
    }
  })
}

const wrong = [
  ['an unassigned reply', [5, 0, 5, 9, 0, 1, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['a refusal without an address', [5, 0, 5, 5], 'ECONNREFUSED'],
  ['no acceptable method', [5, 255], 'EACCES'],
  ['a method that was not offered', [5, 2], 'ENETDOWN'],
  ['SOCKS4', [0, 90, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['HTTP', [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], 'ENETDOWN'],
  ['another version in the reply', [5, 0, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['an unknown address type', [5, 0, 5, 0, 0, 9, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['nothing', [], 'ENETDOWN'],
  ['half a method', [5], 'ENETDOWN'],
  ['half a reply', [5, 0, 5, 0, 0, 1, 127], 'ENETDOWN'],
]
for (const [name, bytes, errno] of wrong) {
  test(`${name} from the proxy is ${errno}`, async (context) => {
    const socks = await answering(context, bytes)
    for (const modes of [[], ['nonblocking']]) {
      const args = [FOUR, 80, 'none', ...modes]
      const seen = await observe(context, 'dial', args, { env: environmentFor(socks) })
      match(seen, new RegExp(`^connect: ${errno}\\npending: 0\\n`))
    }
  })
}

test('a refusal is believed while the proxy keeps the connection open', async (context) => {
  const socks = await answering(context, [5, 0, ...reply(5)], { stay: true })
  const seen = await observe(context, 'dial', [FOUR, 80], { env: environmentFor(socks) })
  match(seen, /^connect: ECONNREFUSED$/m)
})

test('a wrong credential is EACCES', async (context) => {
  const { port, socks } = await world(context, CREDENTIAL)
  const env = environmentFor(socks, { ...credentialEnvironment, TAILPROXY_PRELOAD_PASSWORD: 'no' })
  match(await observe(context, 'dial', [FOUR, port], { env }), /^connect: EACCES$/m)
})

test('a proxy that resets the connection is ENETDOWN, and no SIGPIPE', async (context) => {
  const socks = await answering(context, [], { reset: true })
  match(
    await observe(context, 'dial', [FOUR, 80], { env: environmentFor(socks) }),
    /^connect: ENETDOWN$/m,
  )
})

test('a proxy that is gone is ENETDOWN, not the refusal of the destination', async (context) => {
  const env = environmentFor({ port: await closedPort(context) })
  for (const modes of [[], ['nonblocking']]) {
    const seen = await observe(context, 'dial', [FOUR, 80, 'none', ...modes], { env })
    match(seen, /^connect: ENETDOWN$/m)
  }
})
