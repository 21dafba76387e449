// What becomes of programs that go on while the sidecar dies, and when another one has taken its place.
import { equal, match } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { echoDatagrams, socksServer } from '../lib/servers.mjs'
import { AWAY, CONNECTED, survivor } from '../lib/survivor.mjs'
import { missing } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, SIX, TAILNET, testBoth, world } from '../lib/world.mjs'

const options = { needs: missing.go }

for (const [family, host] of [
  ['IPv4', FOUR],
  ['IPv6', SIX],
]) {
  testBoth(
    `a program goes on with the sidecar that comes after one that was killed: ${family}`,
    async (context, kind) => {
      const { port, dial, env } = await dialWorld(context)
      const { does, ends } = survivor(context, kind, [host, port], env)
      equal(await does('blocking'), CONNECTED)
      await dial.kill()
      equal(await does('blocking'), AWAY)
      equal(await does('nonblocking'), AWAY)
      await dial.again()
      equal(await does('blocking'), CONNECTED)
      equal(
        await does('nonblocking'),
        `connect: EINPROGRESS\nepoll: 1\nerror: no\npending: 0\npeer: the destination\n`,
      )
      equal(await does('echo'), 'connect: ok\nwrite: 4\nread: ping\n')
      await ends()
    },
    options,
  )
}

testBoth(
  'so do its threads, its handlers, its children, and what those execute',
  async (context, kind) => {
    const { port, dial, env } = await dialWorld(context)
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    const all = async (error) => {
      const peer = error ? 'ENOTCONN' : 'the destination'
      const outcome = `connect: ${error ?? 'ok'}\n`
      equal(await does('threads'), `thread: ${error ?? '0'}\n`.repeat(8))
      equal(await does('handler'), `${outcome}peer: ${peer}\n`)
      equal(await does('fork'), `${outcome}peer: ${peer}\nchild: 0\n`)
      equal(await does('exec'), `${outcome}peer: ${peer}\nchild: 0\n`)
    }
    await all()
    for (let round = 0; round < 2; round++) {
      await dial.kill()
      await all('ENETDOWN')
      await dial.again()
      await all()
    }
    await ends()
  },
  options,
)

for (const how of ['forked', 'executed']) {
  testBoth(
    `and so does a child that lives on (${how})`,
    async (context, kind) => {
      const { port, dial, env } = await dialWorld(context)
      const { does, ends } = survivor(context, kind, [FOUR, port], env)
      equal(await does('blocking'), CONNECTED)
      await does(how)
      equal(await does('twin'), CONNECTED)
      for (let round = 0; round < 2; round++) {
        await dial.kill()
        equal(await does('twin'), AWAY)
        await dial.again()
        equal(await does('twin'), CONNECTED)
        equal(await does('blocking'), CONNECTED)
      }
      // The child may be the only one that notices, or the parent.
      for (const [first, second] of [
        ['twin', 'blocking'],
        ['blocking', 'twin'],
      ]) {
        await dial.kill()
        await dial.again()
        equal(await does(first), CONNECTED)
        equal(await does(second), CONNECTED)
      }
      await ends()
    },
    options,
  )
}

for (const first of ['threads', 'handler', 'fork', 'exec']) {
  test(
    `whoever of them comes first finds the new one (${first})`,
    async (context) => {
      const { port, dial, env } = await dialWorld(context)
      const { does, ends } = survivor(context, 'glibc', [FOUR, port], env)
      equal(await does('blocking'), CONNECTED)
      await dial.kill()
      await dial.again()
      match(await does(first), /^(thread: 0\n){8}$|^connect: ok\n/)
      equal(await does('blocking'), CONNECTED)
      await ends()
    },
    options,
  )
}

testBoth(
  'names are EAI_AGAIN meanwhile',
  async (context, kind) => {
    const { port, dial, env } = await dialWorld(context, {
      names: { 'hello.lab.ts.net': [TAILNET] },
    })
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    equal(await does('name'), `name: ${TAILNET}\n`)
    await dial.kill()
    equal(await does('name'), 'name: EAI_AGAIN\n')
    await dial.again()
    equal(await does('name'), `name: ${TAILNET}\n`)
    await ends()
  },
  options,
)

for (const [line, before, seen] of [
  ['name', 'name', 'name: EAI_AGAIN\n'],
  ['sendto', 'datagrams', 'sendto: ENETDOWN\n'],
  ['name', undefined, 'name: EAI_AGAIN\n'],
  ['blocking', undefined, AWAY],
]) {
  const asked = before ? 'an answer' : 'the welcome'
  testBoth(
    `who waits for ${asked} of one that dies is told at once (${line})`,
    async (context, kind) => {
      const { port, dial, env } = await dialWorld(context, {
        names: { 'hello.lab.ts.net': [TAILNET] },
      })
      const { does, ends, waits } = survivor(context, kind, [FOUR, port], env)
      if (before) await does(before)
      if (before) await does('blocking')
      await dial.hold()
      const answer = does(line)
      await waits()
      await dial.kill()
      equal(await answer, seen)
      await ends()
    },
    options,
  )
}

testBoth(
  'a run that the new one does not know yet is waited for',
  async (context, kind) => {
    const { port, dial, env } = await dialWorld(context)
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    equal(await does('blocking'), CONNECTED)
    await dial.kill()
    await dial.again({ token: 'x'.repeat(64) })
    const waits = does('blocking')
    await dial.sees({ event: 'refused' }, 2)
    dial.tell({ token: dial.token })
    equal(await waits, CONNECTED)
    await ends()
  },
  options,
)

test(
  'but once, and not for ever',
  async (context) => {
    const { port, dial, env } = await dialWorld(context)
    const { does, ends } = survivor(context, 'glibc', [FOUR, port], env)
    equal(await does('blocking'), CONNECTED)
    await dial.kill()
    await dial.again({ token: 'x'.repeat(64) })
    equal(await does('blocking'), AWAY)
    await dial.sees({ event: 'refused' }, 9)
    equal(await does('nonblocking'), AWAY)
    await dial.sees({ event: 'refused' }, 10)
    equal(dial.told('refused').length, 10)
    dial.tell({ token: dial.token })
    while ((await does('blocking')) !== CONNECTED);
    await ends()
  },
  options,
)

test(
  'what the new one routes is what counts',
  async (context) => {
    const { closed, dial, env } = await dialWorld(context, { routes: [] })
    // TCP knows no broadcast, as the kernel says itself: nothing leaves the host.
    const { does, ends } = survivor(context, 'glibc', ['255.255.255.255', closed], env)
    const direct = 'connect: ENETUNREACH\npeer: ENOTCONN\n'
    equal(await does('blocking'), direct)
    await dial.kill()
    equal(await does('blocking'), AWAY)
    await dial.again({ routes: ['255.255.255.255/32'] })
    equal(await does('blocking'), 'connect: ECONNREFUSED\npeer: ENOTCONN\n')
    equal(dial.told('dial').length, 1)
    await dial.kill()
    await dial.again()
    equal(await does('blocking'), direct)
    equal(dial.told('dial').length, 1)
    await ends()
  },
  options,
)

/** Watched ones do less in the same time. */
const rounds = ({ watch }) => (watch ? 6 : 20)

testBoth(
  'threads that dial and send all the while see no end that is none, and no other way',
  async (context, kind) => {
    const udp = await echoDatagrams(context)
    const { port, dial, env } = await dialWorld(context, {
      udpHosts: { '*:*': `127.0.0.1:${udp}` },
    })
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    await does('storm')
    for (let round = 0; round < rounds(context); round++) {
      await dial.sees({ event: 'joined' }, dial.told('joined').length + 5)
      await dial.kill()
      await dial.again()
    }
    await dial.sees({ event: 'joined' }, dial.told('joined').length + 5)
    equal(await does('calm'), 'rounds: many\n')
    equal(await does('echo'), 'connect: ok\nwrite: 4\nread: ping\n')
    await ends()
  },
  options,
)

test(
  'twenty of them cost no descriptor and no memory',
  async (context) => {
    const { port, dial, env } = await dialWorld(context)
    const { does, ends } = survivor(context, 'glibc', [FOUR, port], env)
    const costs = async () => {
      match(await does('threads'), /^(thread: 0\n){8}$/)
      match(await does('fork'), /^connect: ok\n/)
      return `${await does('descriptors')}${await does('boards')}`
    }
    const before = await costs()
    equal(/^boards: (\d+)$/m.exec(before)[1], '13312')
    const again = async () => {
      await dial.kill()
      await dial.again()
      return costs()
    }
    // The channel to the last dead one is kept.
    const after = await again()
    equal(
      after,
      before.replace(/\d+/, (count) => String(Number(count) + 1)),
    )
    for (let round = 0; round < 19; round++) equal(await again(), after)
    await ends()
  },
  options,
)

test('by SOCKS5 a program goes on with the server that comes after one that was killed', async (c) => {
  const first = await world(c)
  const { port } = first
  const { does, ends } = survivor(c, 'glibc', [FOUR, port], first.env)
  equal(await does('echo'), 'connect: ok\nwrite: 4\nread: ping\n')
  equal(await does('open'), 'connect: ok\n')
  await first.socks.kill()
  equal(await does('read'), 'read: ECONNRESET\nwrite: EPIPE\npeer: ENOTCONN\n')
  equal(await does('blocking'), AWAY)
  await socksServer(c, { routes: { [`*:${port}`]: port }, port: first.socks.port })
  equal(await does('echo'), 'connect: ok\nwrite: 4\nread: ping\n')
  await ends()
})
