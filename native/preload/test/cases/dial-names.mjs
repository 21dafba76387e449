// Looking names up over the dial socket: each program sees what the C library gives it for the same records.
import { deepEqual, equal, match } from 'node:assert/strict'
import { dialServer } from '../lib/dial-server.mjs'
import { test } from '../lib/harness.mjs'
import { isolated, missingIsolation } from '../lib/isolated.mjs'
import { observe, run } from '../lib/program.mjs'
import { missing, programPath } from '../lib/toolchain.mjs'

const FOUR = '100.64.0.5'
const SIX = 'fd7a:115c:a1e0::5'
const records = {
  names: {
    'hello.lab.ts.net': [FOUR, SIX],
    'four.lab.ts.net': ['100.64.0.6'],
    'six.lab.ts.net': ['fd7a:115c:a1e0::6'],
    'empty.lab.ts.net': [],
    'many.lab.ts.net': Array.from({ length: 40 }, (_, i) => `100.64.2.${i}`),
  },
  canonical: { 'alias.lab.ts.net': 'hello.lab.ts.net' },
  reverse: { [FOUR]: ['hello.lab.ts.net'] },
}
const libcs = [
  { kind: 'glibc', needs: undefined },
  { kind: 'musl', needs: missing.musl },
]

/** The channel is a descriptor of the process, and the only one that a lookup leaves. */
const withoutChannel = (text) => text.replace(/^descriptors left: 1$/m, 'descriptors left: 0')

/** What musl does otherwise in its own way, and we as glibc does. */
const musl = (text) =>
  text
    .replaceAll(/ canonical$/gm, ' -')
    // No TCP before 1.2.4.
    .replace(/^(a long answer: whole length) [01],/m, '$1,')
    // res_mkquery() fails without a reason there.
    .replaceAll(/^(no name|a long label): NO_\w+$/gm, '$1: no answer')

/** glibc touches errno when it succeeds, and wants room for an answer before it knows that there is none. */
const glibc = (text) =>
  text.replaceAll(' errno changed', '').replace(/^status .*, too small: .*$/m, 'too small')

const normal = (text, kind) => (kind === 'musl' ? musl(glibc(text)) : glibc(text))

async function same(context, name, args, kind) {
  const runs = { [name]: [programPath(name, kind), args] }
  const { plain, wrapped } = (await isolated(context, { records, runs }))[name]
  equal(wrapped.stderr, '')
  equal(wrapped.status, 0)
  equal(normal(withoutChannel(wrapped.stdout), kind), normal(plain.stdout, kind))
  return wrapped
}

for (const { kind, needs } of libcs) {
  const testSame = (name, run) =>
    test(`${name} (${kind})`, run, { needs: missingIsolation ?? needs })
  const testDial = (name, run) => test(`${name} (${kind})`, run, { needs: missing.go ?? needs })

  testSame('getaddrinfo() gives what the C library gives for IPv4', (context) =>
    same(context, 'lookup', ['four.lab.ts.net', 'four.lab.ts.net', 'nobody.lab.ts.net'], kind),
  )

  testSame('getaddrinfo() gives what the C library gives for IPv6', (context) =>
    same(context, 'lookup', ['six.lab.ts.net', 'six.lab.ts.net', 'nobody.lab.ts.net'], kind),
  )

  testSame('getaddrinfo() tells a name without addresses as the C library does', (context) =>
    same(context, 'lookup', ['empty.lab.ts.net', 'empty.lab.ts.net', 'nobody.lab.ts.net'], kind),
  )

  testSame('resolver(3) answers as the C library does', async (context) => {
    const args = [
      'hello.lab.ts.net',
      'hello',
      'alias.lab.ts.net',
      'nobody.lab.ts.net',
      'empty.lab.ts.net',
      'many.lab.ts.net',
    ]
    const { stdout } = await same(context, 'resolver', args, kind)
    match(stdout, /^res_query: rcode 0, answers 1, truncated 0, 100\.64\.0\.5$/m)
    match(stdout, /^no such name: HOST_NOT_FOUND$/m)
  })

  testSame('names of /etc/hosts ask nobody', async (context) => {
    const { stdout, resolved } = await same(
      context,
      'hosts-file',
      ['Listed', '203.0.113.9', '2001:db8::9'],
      kind,
    )
    match(stdout, /listed\.example/)
    equal(resolved, 0)
  })

  testDial('getaddrinfo() gives all addresses of both families, IPv4 first', async (context) => {
    const many = Array.from({ length: 20 }, (_, i) => [
      `100.64.1.${i}`,
      `fd7a:115c:a1e0::1:${i}`,
    ]).flat()
    const dial = await dialServer(context, { names: { 'many.ts.net': many } })
    const args = ['many.ts.net', 'many.ts.net']
    const seen = await observe(context, 'lookup', args, { env: dial.env, kind })
    const streams = /^stream: 0\n((?: {2}.*\n)+)/m.exec(seen)[1].trim().split('\n')
    deepEqual(
      streams.map((line) => line.trim().split(' ')[4]),
      [...many.filter((text) => text.includes('.')), ...many.filter((text) => !text.includes('.'))],
    )
  })

  testDial('no answer is "try again", to every call', async (context) => {
    const dial = await dialServer(context, { names: { 'broken.ts.net': 'again' } })
    const options = { env: dial.env, kind }
    const broken = 'broken.ts.net'
    const gone = { ...options, env: { ...dial.env, TAILPROXY_SOCK: `${dial.path}.none` } }
    for (const each of [options, gone]) {
      match(
        await observe(context, 'lookup', [broken, broken, broken], each),
        /^stream: EAI_AGAIN$/m,
      )
      const older = await observe(context, 'host-entries', [broken, FOUR, SIX, broken], each)
      match(older, /^gethostbyname: TRY_AGAIN$/m)
      match(older, /^status EAGAIN, gethostbyname_r: TRY_AGAIN$/m)
    }
    const resolver = await observe(
      context,
      'resolver',
      [broken, 'broken', broken, broken, broken],
      gone,
    )
    match(resolver, /^res_query: TRY_AGAIN$/m)
    match(resolver, /^res_send: TRY_AGAIN$/m)
  })
}

test(
  'the older calls give what glibc gives',
  async (context) => {
    await same(
      context,
      'host-entries',
      ['alias.lab.ts.net', FOUR, '2001:db8::9', 'nobody.lab.ts.net'],
      'glibc',
    )
    await same(context, 'host-entries', ['six.lab.ts.net', FOUR, SIX, 'empty.lab.ts.net'], 'glibc')
  },
  { needs: missingIsolation },
)

test(
  'getaddrinfo_a() ends, waits and tells as the C library does',
  async (context) => {
    const { stdout } = await same(
      context,
      'async-names',
      ['four.lab.ts.net', 'nobody.lab.ts.net'],
      'glibc',
    )
    match(stdout, /^waited: 100\.64\.0\.6 0 EAI_NONAME 192\.0\.2\.7 0 100\.64\.0\.6 80/m)
  },
  { needs: missingIsolation },
)

test(
  'a broken configuration asks nobody',
  async (context) => {
    const dial = await dialServer(context, { names: records.names })
    const env = { ...dial.env, TAILPROXY_TOKEN: 'short' }
    const args = ['hello.lab.ts.net', 'hello', 'hello', 'nobody', 'nobody']
    const { stdout } = await run(context, 'resolver', args, { env })
    match(stdout, /^res_query: TRY_AGAIN$/m)
    equal(dial.told('query').length + dial.told('resolve').length, 0)
  },
  { needs: missing.go },
)
