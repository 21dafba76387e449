// Many dials at once, and one after another: every way to wait, high descriptors, both ends of a connection closing first.
import { equal } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { observe, start } from '../lib/program.mjs'
import { missing, programPath } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, SIX } from '../lib/world.mjs'

const options = { needs: missing.go }

/** The sidecar stands still while they are made, so that an end before its word would be an early one. */
async function pend(context, { host, port, count, how, first, ends, world }) {
  const { env, dial } = world
  const args = [host, port, count, how, first ?? 0].map(String)
  const program = start(context, programPath('pending'), args, env)
  await program.says('ready\n')
  await dial.hold()
  program.tell('begin')
  await program.says('under way\n')
  dial.release()
  program.tell('go on')
  const { stdout, stderr } = await program.ended
  equal(stderr, '')
  equal(
    stdout,
    'ready\nnot under way: 0\nearly: 0\nunder way\n' +
      `ended: ${count}\nwith: ${ends}, others: 0\nwrong peers: 0\nafter close(): 0\n`,
  )
}

const pendingWorld = (context) => dialWorld(context, { failures: { '*:81': 'refused' } })

for (const how of ['level', 'edge', 'poll', 'select']) {
  const count = how === 'select' ? 900 : 1000
  test(
    `${how}: of ${count} dials under way nobody hears before their end, and of each once`,
    async (context) => {
      const world = await pendingWorld(context)
      const common = { count, how, world }
      await pend(context, { ...common, host: FOUR, port: world.port, ends: '0' })
      await pend(context, { ...common, host: SIX, port: 81, ends: 'ECONNREFUSED' })
    },
    options,
  )
}

test(
  'descriptors above 1,024 are dialled as any',
  async (context) => {
    const world = await pendingWorld(context)
    const common = { count: 300, how: 'edge', first: 3000, world }
    await pend(context, { ...common, host: SIX, port: world.port, ends: '0' })
    await pend(context, { ...common, host: FOUR, port: 81, ends: 'ECONNREFUSED' })
  },
  options,
)

test(
  '5,000 dials are under way at once',
  async (context) => {
    const world = await pendingWorld(context)
    await pend(context, {
      host: FOUR,
      port: 81,
      count: 5000,
      how: 'level',
      ends: 'ECONNREFUSED',
      world,
    })
    await pend(context, {
      host: FOUR,
      port: world.port,
      count: 5000,
      how: 'edge',
      ends: '0',
      world,
    })
  },
  options,
)

for (const first of ['program', 'peer']) {
  test(
    `4,000 connections one after another, the ${first} closing first`,
    async (context) => {
      const { env } = await dialWorld(context, { hosts: { '*:*': '127.0.0.1:*' } })
      const seen = await observe(context, 'sequence', [FOUR, 4_000, first], { env })
      equal(seen, 'connections: 4000\nerror: 0\n')
    },
    options,
  )
}
