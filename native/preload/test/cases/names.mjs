// Looking names up: asked of the proxy, answered in the C library's shape.
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe, run } from '../lib/program.mjs'
import { closedPort, echoServer, socksServer } from '../lib/servers.mjs'
import { RESOLVE, reply } from '../lib/socks-server.mjs'
import { missing } from '../lib/toolchain.mjs'

const FOUR = '100.64.0.1'
const SIX = 'fd7a:115c:a1e0::1'
const names = {
  four: [FOUR],
  six: [SIX],
  hello: [FOUR, SIX],
  'hello.tail-net.ts.net': [FOUR, SIX],
}
const MUSL = { ' errno changed': '', ' canonical': ' -' }
const libcs = [
  { kind: 'glibc', needs: undefined },
  { kind: 'musl', needs: missing.musl },
]

for (const { kind, needs } of libcs) {
  const testLibc = (name, run) => test(`${name} (${kind})`, run, { needs })

  testLibc('getaddrinfo() gives names the shape that it gives addresses', async (context) => {
    const socks = await socksServer(context, { names })
    const env = environmentFor(socks)
    const byName = await observe(context, 'lookup', ['four', 'six'], { env, kind })
    let byNumber = await observe(context, 'lookup', [FOUR, SIX], { kind })
    // musl gives a canonical name unasked, and is careless of errno.
    if (kind === 'musl')
      byNumber = byNumber.replaceAll(/ errno changed| canonical/g, (text) => MUSL[text])
    equal(kind === 'musl' ? byName.replaceAll(' canonical', ' -') : byName, byNumber)
    deepEqual([...new Set(socks.requests.map(({ host }) => host))], ['four', 'six'])
  })

  testLibc('getaddrinfo() knows no such name, and no such family of one', async (context) => {
    const socks = await socksServer(context, { names })
    const seen = await observe(context, 'lookup', ['four', 'six', 'nobody'], {
      env: environmentFor(socks),
      kind,
    })
    match(
      seen,
      /^numeric wanted: EAI_NONAME\nno such name: EAI_NONAME\nno such family: EAI_NONAME$/m,
    )
  })

  testLibc('getaddrinfo() gives both families, and asks for each', async (context) => {
    const socks = await socksServer(context, { names })
    const env = environmentFor(socks)
    const seen = await observe(context, 'lookup', ['hello', 'hello'], { env, kind })
    match(
      seen,
      /^stream: 0\n {2}2 1 6 16 100\.64\.0\.1 443 -\n {2}10 1 6 28 fd7a:115c:a1e0::1 443 -$/m,
    )
    match(seen, /^v4-mapped: 0\n {2}10 1 6 28 fd7a:115c:a1e0::1 443 -\nv4/m)
    match(
      seen,
      /^all of IPv4: 0\n {2}10 1 6 28 fd7a:115c:a1e0::1 443 -\n {2}10 1 6 28 ::ffff:100\.64\.0\.1 443 -$/m,
    )
    match(seen, /^descriptors left: 0$/m)
    const asked = socks.requests.filter(({ command }) => command === RESOLVE)
    deepEqual([...new Set(asked.map(({ port }) => port))].sort(), [1, 28])
  })

  testLibc('the older calls give the same names and addresses', async (context) => {
    const socks = await socksServer(context, { names })
    const args = ['hello', FOUR, SIX, 'nobody']
    const seen = await observe(context, 'host-entries', args, { env: environmentFor(socks), kind })
    equal(
      seen.replace(' alias 192.0.2.7', ''), // musl's
      `gethostbyname: hello ${FOUR} length 4
gethostbyname2: hello ${SIX} length 16
of a number: 192.0.2.7 192.0.2.7 length 4
unknown: HOST_NOT_FOUND
status 0, gethostbyname_r: hello ${FOUR} length 4
status 0, gethostbyname2_r: hello ${SIX} length 16
status ERANGE, too small: NETDB_INTERNAL
status 0, unknown: HOST_NOT_FOUND
reverse: hello ${FOUR} length 4
reverse: hello ${FOUR} length 4
reverse with 0: ok
  hello http
reverse with 1: ok
  hello http
reverse with 2: ok
  ${FOUR} 80
service alone: 0 http
no room: 1
reverse IPv6: six ${SIX} length 16
reverse IPv6: six ${SIX} length 16
reverse IPv6 with 0: ok
  six http
reverse IPv6 with 1: ok
  six http
reverse IPv6 with 2: ok
  ${SIX} 80
service alone: 0 http
no room: 1
unknown: HOST_NOT_FOUND
unknown: HOST_NOT_FOUND
unknown with 0: ok
  100.64.9.9 http
unknown with 1: EAI_NONAME
unknown with 2: ok
  100.64.9.9 80
service alone: 0 http
no room: 1
descriptors left: 0
`
        .replaceAll('reverse: hello', 'reverse: four')
        .replaceAll(/^ {2}hello/gm, '  four'),
    )
  })

  testLibc('a name is connected to by its address', async (context) => {
    const echo = await echoServer(context)
    const routes = { [`*:${echo.port}`]: echo.port }
    const socks = await socksServer(context, { names, routes })
    const args = ['hello.tail-net.ts.net', echo.port, 0]
    const seen = await observe(context, 'by-name', args, { env: environmentFor(socks), kind })
    match(seen, /^family 2 connect: ok\npeer: the destination\nwrite: 4\nread: ping\n/)
    match(seen, /^family 10 connect: ok$/m)
    deepEqual(
      socks.connects().map(({ host }) => host),
      [FOUR, SIX],
    )
  })

  testLibc('a proxy without RESOLVE is given the name at the dial', async (context) => {
    const echo = await echoServer(context)
    const routes = { [`some.example:${echo.port}`]: echo.port }
    const socks = await socksServer(context, { names: null, routes })
    for (const family of [0, 2, 10]) {
      const seen = await observe(context, 'by-name', ['Some.Example', echo.port, family], {
        env: environmentFor(socks),
        kind,
      })
      match(
        seen,
        new RegExp(
          `^family ${family || 2} connect: ok\npeer: the destination\nwrite: 4\nread: ping\nname: some.example\n$`,
        ),
      )
    }
    deepEqual(
      socks.connects().map(({ addressType, host }) => [addressType, host]),
      Array(3).fill([3, 'some.example']),
    )
  })
}

test('a stand-in address that was never given out is EHOSTUNREACH', async (context) => {
  const socks = await socksServer(context, { names: null })
  for (const host of ['198.18.0.1', '198.19.255.255', 'fdfe::1']) {
    const seen = await observe(context, 'dial', [host, 80], { env: environmentFor(socks) })
    match(seen, /^connect: EHOSTUNREACH$/m)
  }
  equal(socks.requests.length, 0)
})

/** Everything about a name that a broken proxy can spoil; the answer is always "try again". */
const spoilt = {
  'a proxy that is gone': async (context) => ({ port: await closedPort(context) }),
  'general failure': (context) =>
    socksServer(context, { negotiation: () => Buffer.from([5, 0, ...reply(1)]) }),
  garbage: (context) => socksServer(context, { negotiation: () => Buffer.from('HTTP/1.1 400') }),
  'an address of an unknown type': (context) =>
    socksServer(context, { negotiation: () => Buffer.from([5, 0, 5, 0, 0, 9, 0]) }),
  'a name for an answer': (context) =>
    socksServer(context, { negotiation: () => Buffer.from([5, 0, 5, 0, 0, 3, 1, 97, 0, 0]) }),
}
for (const [name, serve] of Object.entries(spoilt)) {
  test(`${name} is EAI_AGAIN, and never a question to the host's resolver`, async (context) => {
    const env = environmentFor(await serve(context))
    const seen = await observe(context, 'lookup', ['hello', 'hello', 'nobody'], { env })
    match(seen, /^stream: EAI_AGAIN$/m)
    match(seen, /^no such name: EAI_AGAIN$/m)
    const older = await observe(context, 'host-entries', ['hello', FOUR, SIX, 'nobody'], { env })
    match(older, /^gethostbyname: TRY_AGAIN$/m)
    match(older, /^status EAGAIN, gethostbyname_r: TRY_AGAIN$/m)
  })
}

test('a broken configuration is EAI_AGAIN too', async (context) => {
  const socks = await socksServer(context, { names })
  const env = environmentFor(socks, { TAILPROXY_PORT: 'none' })
  const { stdout } = await run(context, 'lookup', ['hello', 'hello', 'nobody'], { env })
  match(stdout, /^stream: EAI_AGAIN$/m)
  equal(socks.requests.length, 0)
})

test('resolver(3) finds no way around a proxy when only the tailnet is allowed', async (context) => {
  const socks = await socksServer(context, { names })
  const env = environmentFor(socks, { TAILPROXY_ONLY_TAILNET: '1' })
  const args = ['hello.example', 'hello', 'hello.example', 'hello.example', 'hello.example']
  const { stdout } = await run(context, 'resolver', args, { env })
  match(stdout, /^res_query: TRY_AGAIN$/m)
  match(stdout, /^res_send: TRY_AGAIN$/m)
})

test('localhost and what is below it ask nobody', async (context) => {
  const socks = await socksServer(context, { names })
  const env = environmentFor(socks)
  for (const name of ['localhost', 'LOCALHOST', 'localhost.', 'app.localhost', 'a.b.localhost.']) {
    const seen = await observe(context, 'lookup', [name, name], { env })
    match(seen, /^inet stream: 0\n {2}2 1 6 16 127\.0\.0\.1 443 -$/m)
  }
  equal(socks.requests.length, 0)
})

test('a reply a byte at a time is read', async (context) => {
  const socks = await socksServer(context, { names, chunk: 1 })
  const args = ['hello', FOUR, SIX, 'nobody']
  const seen = await observe(context, 'host-entries', args, { env: environmentFor(socks) })
  match(seen, /^gethostbyname2: hello fd7a:115c:a1e0::1 length 16$/m)
})
