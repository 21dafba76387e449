// What becomes of a program's sockets when the sidecar dies, and when another one has taken its place.
import { deepEqual, equal, match } from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { controlServer } from '../lib/control-server.mjs'
import { dialServer } from '../lib/dial-server.mjs'
import { test } from '../lib/harness.mjs'
import { observe, start } from '../lib/program.mjs'
import { echoDatagrams, slowServer } from '../lib/servers.mjs'
import { CONNECTED, survivor } from '../lib/survivor.mjs'
import { missing, programPath } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, TAILNET, testBoth } from '../lib/world.mjs'

const options = { needs: missing.go }

testBoth(
  'connections that the dead one carried are reset',
  async (context, kind) => {
    const { port, dial, env } = await dialWorld(context)
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    equal(await does('open 0'), 'connect: ok\n')
    equal(await does('open 1'), 'connect: ok\n')
    await dial.kill()
    const gone = 'read: ECONNRESET\nwrite: EPIPE\npeer: ENOTCONN\n'
    equal(await does('read 0'), gone)
    await dial.again()
    equal(await does('blocking'), CONNECTED)
    equal(await does('read 1'), gone)
    await ends()
  },
  options,
)

/** The kernel's own end of a connect whose other side is gone, or the library's: whichever comes first. */
const LOST = /^(?:pending|connect): (?:ENETDOWN|ECONNREFUSED|ECONNRESET)\n(?:peer: ENOTCONN\n)?$/

/** A dial socket, and a destination that never answers while the first sidecar is asked. */
async function silentWorld(context) {
  const silent = await slowServer(context)
  const { port, dial, env } = await dialWorld(context)
  dial.tell({ hosts: { '*:*': `127.0.0.1:${silent.port}` } })
  return { port, dial, env }
}

testBoth(
  'dials under way end, whether another sidecar has come or not',
  async (context, kind) => {
    const { port, dial, env } = await silentWorld(context)
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    for (const at of [0, 1]) {
      equal(await does(`begin ${at}`), 'connect: EINPROGRESS\n')
      await dial.sees({ event: 'dial' }, at + 1)
    }
    await dial.kill()
    equal(await does('await 0'), 'epoll: 1\nerror: yes\n')
    match(await does('error 0'), LOST)
    await dial.again()
    equal(await does('blocking'), CONNECTED)
    equal(await does('await 1'), 'epoll: 1\nerror: yes\n')
    match(await does('error 1'), LOST)
    equal(await does('peer 1'), 'peer: ENOTCONN\n')
    await ends()
  },
  options,
)

testBoth(
  'a connect() that waits for one ends too',
  async (context, kind) => {
    const { port, dial, env } = await silentWorld(context)
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    const waits = does('blocking')
    await dial.sees({ event: 'dial' })
    await dial.kill()
    match(await waits, LOST)
    await ends()
  },
  options,
)

test(
  'while sockets are on their way to a dead tarpit nobody else gets its address',
  async (context) => {
    const { port, dial, env } = await silentWorld(context)
    const { does, ends } = survivor(context, 'glibc', [FOUR, port], env)
    equal(await does('begin'), 'connect: EINPROGRESS\n')
    await dial.sees({ event: 'dial' })
    await dial.kill()
    await dial.again()
    // It has a channel to the new one, and has read nothing from the old one.
    equal(await does('blocking'), CONNECTED)
    const [, , tarpit] = /^(.*):(\d+)$/.exec(dial.tarpit4)
    const taken = await start(context, programPath('hold-port'), ['at', tarpit]).ended
    equal(taken.stdout, 'bind: EADDRINUSE\n')
    await ends()
  },
  options,
)

testBoth(
  'closing one asks nobody of a sidecar that never heard of it',
  async (context, kind) => {
    const { port, dial, env } = await silentWorld(context)
    const { does, ends } = survivor(context, kind, [FOUR, port], env)
    equal(await does('begin'), 'connect: EINPROGRESS\n')
    await dial.sees({ event: 'dial' })
    await dial.kill()
    await dial.again()
    const hellos = dial.told('hello').length
    equal(await does('close'), 'close: ok\n')
    equal(dial.told('hello').length, hellos)
    await ends()
  },
  options,
)

testBoth(
  'the failure of a dial is told of by its own errno, though its sidecar be dead',
  async (context, kind) => {
    const { closed, dial, env } = await dialWorld(context)
    const { does, ends } = survivor(context, kind, [FOUR, closed], env)
    equal(await does('begin'), 'connect: EINPROGRESS\n')
    await dial.sees({ event: 'failed' })
    equal(await does('await'), 'epoll: 1\nerror: yes\n')
    await dial.kill()
    equal(await does('error'), 'pending: ECONNREFUSED\n')
    await ends()
  },
  options,
)

for (const [family, host] of [
  ['IPv4', TAILNET],
  ['IPv6', 'fd7a:115c:a1e0::5'],
]) {
  testBoth(
    `datagrams get flows of the new one: ${family}`,
    async (context, kind) => {
      const port = await echoDatagrams(context)
      const dial = await dialServer(context, {
        udpHosts: { [`${TAILNET}:*`]: '127.0.0.1:*', '[fd7a:115c:a1e0::5]:*': '[::1]:*' },
      })
      const { does, ends } = survivor(context, kind, [host, port], dial.env)
      const answered = 'poll: 1\nrecvfrom: ok\nfrom: ping\n'
      const peer = 'peer: the destination\n'
      equal(await does('datagrams 0'), '')
      equal(await does('connected 1'), 'connect: ok\n')
      equal(await does('connected 2'), 'connect: ok\n')
      equal(await does('sendto 0'), `sendto: ok\n${answered}`)
      equal(await does('write 1'), `write: ok\n${answered}${peer}`)
      for (let round = 0; round < 3; round++) {
        await dial.kill()
        equal(await does('sendto 0'), 'sendto: ENETDOWN\n')
        equal(await does('write 1'), 'write: ENETDOWN\n')
        equal(await does('peer 1'), peer)
        await dial.again()
        equal(await does('write 1'), `write: ok\n${answered}${peer}`)
        equal(await does('sendto 0'), `sendto: ok\n${answered}`)
      }
      // It has slept through them all.
      equal(await does('write 2'), `write: ok\n${answered}${peer}`)
      await ends()
    },
    options,
  )
}

testBoth(
  'a listener stays exported, and shows whom the new one forwards',
  async (context, kind) => {
    const control = await controlServer(context)
    const dial = await dialServer(context, { control: control.file })
    const words = [
      'tcp4',
      'listen',
      'port',
      'wait',
      'accept',
      'wait',
      'accept',
      'wait',
      'close',
      'wait',
    ]
    const env = { ...dial.env, ...control.env }
    const child = start(context, programPath('listener', kind), words, env)
    await child.says('ready\n')
    const to = `127.0.0.1:${/^port: (\d+)$/m.exec(child.output())[1]}`
    const shows = async (times) => {
      child.tell('go')
      while (child.output().split('ready\n').length - 1 < times) await setImmediate()
    }
    dial.tell({ visit: { from: '100.64.0.9:4321', to } })
    await shows(2)
    match(child.output(), /^accept: 100\.64\.0\.9 4321, 16 bytes\npeer: 100\.64\.0\.9 4321$/m)
    await dial.kill()
    equal(control.connections[0].ended, false)
    await dial.again()
    dial.tell({ visit: { from: '100.64.0.10:4322', to } })
    await shows(3)
    match(child.output(), /^accept: 100\.64\.0\.10 4322, 16 bytes\npeer: 100\.64\.0\.10 4322$/m)
    child.tell('go')
    await control.until(() => control.told().length === 2)
    deepEqual(control.told(), ['0 LISTEN tcp4 0.0.0.0', '0 CLOSE tcp4 0.0.0.0'])
  },
  options,
)

testBoth(
  'a program that begins to listen meanwhile is told of',
  async (context, kind) => {
    const control = await controlServer(context)
    const dial = await dialServer(context, { control: control.file })
    await dial.kill()
    const env = { ...dial.env, ...control.env }
    equal(
      await observe(context, 'listener', ['tcp4', 'listen', 'on'], { kind, env }),
      'listen: ok\ndevice: lo\n',
    )
    deepEqual(control.told(), ['0 LISTEN tcp4 0.0.0.0'])
  },
  options,
)
