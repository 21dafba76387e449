// Listeners: what the exporter is told, and when; to what they are kept; whom accept() shows.
import { deepEqual, equal, match } from 'node:assert/strict'
import net from 'node:net'
import process from 'node:process'
import { controlServer } from '../lib/control-server.mjs'
import { test } from '../lib/harness.mjs'
import { observe, run, start } from '../lib/program.mjs'
import { missingCommand, programPath } from '../lib/toolchain.mjs'
import { testBoth } from '../lib/world.mjs'

const unlessRoot = process.getuid() === 0 ? undefined : 'root'

for (const [words, told, name] of [
  [['tcp4', 'to=0.0.0.0'], 'tcp4 0.0.0.0', '0.0.0.0'],
  [['tcp6', 'to=::'], 'tcp46 ::', ':: with both families'],
  [['only6', 'to=::'], 'tcp6 ::', ':: with IPv6 alone'],
  [['tcp6', 'to=::ffff:0.0.0.0'], 'tcp4 0.0.0.0', '::ffff:0.0.0.0'],
  [['tcp4'], 'tcp4 0.0.0.0', 'a port of the kernel’s choice, without bind(),'],
]) {
  testBoth(`${name} is told of, and kept to loopback under its own name`, async (context, kind) => {
    const control = await controlServer(context)
    const args = [...words, 'listen', 'name']
    const without = await observe(context, 'listener', [...args, 'on'], { kind })
    const within = await observe(context, 'listener', [...args, 'on'], { kind, env: control.env })
    equal(within, without.replace('device: none', 'device: lo'))
    await control.until(() => control.told().length > 0)
    deepEqual(control.told()[0], `0 LISTEN ${told}`)
  })
}

testBoth('it is told before listen() returns', async (context, kind) => {
  let connections = 0
  const control = await controlServer(context, {
    answer: () => {
      connections += 1
      return undefined
    },
  })
  const child = start(
    context,
    programPath('listener', kind),
    ['tcp4', 'listen', 'wait'],
    control.env,
  )
  await child.says('ready\n')
  equal(connections, 1)
  const [, id, family, address, port, cookie] = control.connections[0].lines[1].split(' ')
  deepEqual([id, family, address], ['1', 'tcp4', '0.0.0.0'])
  match(port, /^[1-9]\d*$/)
  match(cookie, /^[1-9]\d*$/)
  equal(control.connections[0].lines[0], `HELLO 2 ${child.child.pid}`)
})

testBoth('a listener that asks for loopback by its address is private', async (context, kind) => {
  const control = await controlServer(context)
  for (const [family, address] of [
    ['tcp4', '127.0.0.1'],
    ['tcp4', '127.1.2.3'],
    ['tcp6', '::1'],
    ['tcp6', '::ffff:127.0.0.1'],
  ]) {
    const args = [family, `to=${address}`, 'listen', 'name', 'on', 'close']
    const without = await observe(context, 'listener', args, { kind })
    equal(await observe(context, 'listener', args, { kind, env: control.env }), without)
  }
  deepEqual(control.told(), [])
})

testBoth('unless TAILPROXY_EXPORT_LOOPBACK is set', async (context, kind) => {
  const control = await controlServer(context)
  const env = { ...control.env, TAILPROXY_EXPORT_LOOPBACK: '1' }
  await observe(context, 'listener', ['tcp6', 'to=::1', 'listen'], { kind, env })
  equal(control.told()[0], '0 LISTEN tcp6 ::1')
})

testBoth('sockets that are no TCP listeners are the kernel’s', async (context, kind) => {
  const control = await controlServer(context)
  const args = ['unix', 'udp', 'closed', 'file']
  const without = await observe(context, 'odd-listeners', args, { kind })
  equal(await observe(context, 'odd-listeners', args, { kind, env: control.env }), without)
  deepEqual(control.told(), [])
})

testBoth('a second listen() tells again, and is no second listener', async (context, kind) => {
  const control = await controlServer(context)
  await observe(context, 'listener', ['tcp4', 'listen', 'listen'], { kind, env: control.env })
  const [, first, second] = control.connections[0].lines
  deepEqual(first.split(' ').slice(2), second.split(' ').slice(2))
})

testBoth('a refusal is said on stderr, and the program goes on', async (context, kind) => {
  const control = await controlServer(context, {
    answer: () => 'denied port 8080 is on the deny list',
  })
  const { status, stdout, stderr } = await run(context, 'listener', ['tcp4', 'listen', 'name'], {
    kind,
    env: control.env,
  })
  deepEqual({ status, stdout }, { status: 0, stdout: 'listen: ok\nname: 0.0.0.0 P\n' })
  match(stderr, /^tailproxy: 0\.0\.0\.0:\d+ is not exported: port 8080 is on the deny list\n$/)
})

for (const [code, errno] of [
  ['denied', 'EACCES'],
  ['limit', 'EACCES'],
  ['taken', 'EADDRINUSE'],
  ['invalid', 'EINVAL'],
  ['unavailable', 'ENETDOWN'],
  ['something new', 'ENETDOWN'],
]) {
  testBoth(
    `with TAILPROXY_EXPORT_STRICT "${code}" is ${errno} of listen()`,
    async (context, kind) => {
      const control = await controlServer(context, { answer: () => `${code} so it is` })
      const env = { ...control.env, TAILPROXY_EXPORT_STRICT: '1' }
      const { stdout } = await run(context, 'listener', ['tcp4', 'listen', 'name', 'accept'], {
        kind,
        env,
      })
      equal(stdout, `listen: ${errno}\nname: 0.0.0.0 P\naccept: EINVAL\n`)
    },
  )
}

test('a session that is away, or no session at all, is said, and the program goes on', async (context) => {
  const control = await controlServer(context, { hello: 'HELLO 2' })
  for (const env of [
    { ...control.env, TAILPROXY_CONTROL_SOCK: '/nonexistent/control.sock' },
    { ...control.env, TAILPROXY_CONTROL_SOCK: control.file.replace('control.sock', 'none') },
  ]) {
    const { stdout, stderr } = await run(context, 'listener', ['tcp4', 'listen', 'on'], { env })
    equal(stdout, 'listen: ok\ndevice: lo\n')
    match(stderr, /is not exported: the session is away, or does not answer\n$/)
  }
})

for (const [what, hello, answer] of [
  ['garbage', 'HELLO two', () => undefined],
  ['a line without an end', 'x'.repeat(2000), () => undefined],
  ['another answer', 'HELLO 2', () => 'denied\nOK 77\n\nREFUSED'],
]) {
  testBoth(`a control socket that gives ${what} harms nobody`, async (context, kind) => {
    const control = await controlServer(context, { hello, answer })
    const child = start(
      context,
      programPath('listener', kind),
      ['tcp4', 'listen', 'wait'],
      control.env,
    )
    await control.until(() => control.connections.length > 0)
    if (what !== 'another answer') control.connections[0].socket.end()
    await child.says('ready\n')
    child.tell('go')
    equal((await child.ended).status, 0)
  })
}

testBoth(
  'a closed listener is told of; a duplicate’s end, and a worker’s, too',
  async (context, kind) => {
    const control = await controlServer(context)
    const words = ['tcp4', 'listen', 'dup', 'drop', 'worker', 'wait', 'close', 'wait']
    const child = start(context, programPath('listener', kind), words, control.env)
    await child.says('ready\n')
    const hints = () => control.told().filter((line) => line.includes('CLOSE')).length
    await control.until(() => hints() === 2)
    equal(control.connections[0].ended, false)
    child.tell('go')
    await control.until(() => hints() === 3)
    deepEqual(new Set(control.told()), new Set(['0 LISTEN tcp4 0.0.0.0', '0 CLOSE tcp4 0.0.0.0']))
  },
)

test('close_range() over a listener is told of', async (context) => {
  const control = await controlServer(context)
  const words = ['tcp4', 'listen', 'range', 'wait']
  const child = start(context, programPath('listener'), words, control.env)
  await child.says('ready\n')
  await control.until(() => control.told().length === 2)
  deepEqual(control.told(), ['0 LISTEN tcp4 0.0.0.0', '0 CLOSE tcp4 0.0.0.0'])
})

testBoth('other descriptors are told of to nobody', async (context, kind) => {
  const control = await controlServer(context)
  await observe(context, 'listener', ['tcp4', 'listen', 'tcp4', 'close'], {
    kind,
    env: control.env,
  })
  await control.until(() => control.connections[0].ended)
  deepEqual(control.told(), ['0 LISTEN tcp4 0.0.0.0'])
})

testBoth(
  'a daemon keeps the connection of the process it was forked from',
  async (context, kind) => {
    const control = await controlServer(context)
    const child = start(
      context,
      programPath('listener', kind),
      ['tcp4', 'listen', 'fork', 'wait'],
      control.env,
    )
    await child.says('ready\n')
    equal(control.connections[0].ended, false)
    child.child.stdin.end()
    await control.until(() => control.connections[0].ended)
  },
)

testBoth('the end of a process ends its connection', async (context, kind) => {
  const control = await controlServer(context)
  const child = start(
    context,
    programPath('listener', kind),
    ['tcp4', 'listen', 'wait'],
    control.env,
  )
  await child.says('ready\n')
  child.child.kill('SIGKILL')
  await control.until(() => control.connections[0].ended)
})

testBoth(
  'a child with a listener of its own tells of it and of what it holds',
  async (context, kind) => {
    const control = await controlServer(context)
    const words = ['tcp4', 'listen', 'fork', 'tcp6', 'to=::', 'listen', 'wait']
    const child = start(context, programPath('listener', kind), words, control.env)
    await child.says('ready\n')
    deepEqual(control.told().sort(), [
      '0 LISTEN tcp4 0.0.0.0',
      '1 LISTEN tcp4 0.0.0.0',
      '1 LISTEN tcp46 ::',
    ])
    await control.until(() => control.connections[0].ended)
  },
)

testBoth('an executed program tells of the listeners it inherits', async (context, kind) => {
  const control = await controlServer(context)
  const words = ['tcp4', 'listen', 'exec=', 'wait', 'name', 'close']
  const child = start(context, programPath('listener', kind), words, control.env)
  await child.says('ready\n')
  await control.until(() => control.connections[0].ended)
  deepEqual(control.told(), ['0 LISTEN tcp4 0.0.0.0', '1 LISTEN tcp4 0.0.0.0'])
  const [first, second] = control.connections.map(({ lines }) => lines[1].split(' ').slice(2))
  deepEqual(first, second)
  child.tell('go')
  equal((await child.ended).stdout, 'listen: ok\nready\nname: 0.0.0.0 P\nclose: ok\n')
})

testBoth('a program that closes every descriptor keeps its connection', async (context, kind) => {
  const control = await controlServer(context)
  const words = ['tcp4', 'listen', 'all', 'tcp4', 'listen', 'wait']
  const child = start(context, programPath('listener', kind), words, control.env)
  await child.says('ready\n')
  equal(control.connections.length, 1)
  deepEqual(control.told(), [
    '0 LISTEN tcp4 0.0.0.0',
    '0 CLOSE tcp4 0.0.0.0',
    '0 LISTEN tcp4 0.0.0.0',
  ])
})

testBoth('many threads listen at once', async (context, kind) => {
  const control = await controlServer(context)
  equal(
    await observe(context, 'many-listeners', [32, 4], { kind, env: control.env }),
    'failures: 0\n',
  )
  equal(control.connections.length, 1)
  // The first tells of what the others have begun, too.
  const told = control.connections[0].lines.filter((line) => line.startsWith('LISTEN'))
  equal(new Set(told.map((line) => line.split(' ')[5])).size, 128)
})

test('a listener on another device than lo is refused', async (context) => {
  const control = await controlServer(context)
  const words = ['tcp4', 'device=no-such-device', 'listen']
  match(
    await observe(context, 'listener', words, { env: control.env }),
    /^SO_BINDTODEVICE: 19\nlisten: ok\n/,
  )
})

testBoth(
  'where a kernel lets nobody bind to a device the address is rewritten',
  async (context, kind) => {
    const control = await controlServer(context)
    for (const [words, name, told] of [
      [['tcp4', 'to=0.0.0.0'], '127.0.0.1', 'tcp4 127.0.0.1'],
      [['tcp6', 'to=::'], '::1', 'tcp6 ::1'],
      [['tcp6', 'to=::ffff:0.0.0.0'], '::ffff:127.0.0.1', 'tcp4 127.0.0.1'],
      [['tcp4'], '127.0.0.1', 'tcp4 127.0.0.1'],
      [['tcp4', 'to=127.1.2.3'], '127.1.2.3', undefined],
    ]) {
      const known = control.told().length
      const args = [programPath('listener', kind), ...words, 'listen', 'name', 'on']
      const seen = await observe(context, 'without-device', args, { kind, env: control.env })
      match(seen, new RegExp(`listen: ok\nname: ${name} P\ndevice: none\n$`))
      equal(control.told()[known]?.slice(2), told && `LISTEN ${told}`)
    }
  },
)

testBoth('who connects to it from the host is shown as what it is', async (context, kind) => {
  const control = await controlServer(context)
  for (const [family, at] of [
    ['tcp4', '127.0.0.1'],
    ['tcp6', '::1'],
    ['tcp6', '127.0.0.1'],
  ]) {
    for (const how of ['accept', 'accept4']) {
      const child = start(
        context,
        programPath('listener', kind),
        [family, 'listen', 'port', how],
        control.env,
      )
      await child.says('port: ')
      const port = Number(/port: (\d+)/.exec(child.output())[1])
      const socket = net.connect(port, at)
      socket.on('error', () => {})
      context.defer(() => socket.destroy())
      const { stdout } = await child.ended
      const shown = family === 'tcp6' && at === '127.0.0.1' ? '::ffff:127.0.0.1' : at
      const size = family === 'tcp4' ? 16 : 28
      match(stdout, new RegExp(`^accept: ${shown} \\d+, ${size} bytes\npeer: ${shown} \\d+\n`, 'm'))
      match(stdout, new RegExp(`^cut: ${size} bytes, the fifth untouched$`, 'm'))
    }
  }
})

/**
 * A host at 192.0.2.1 with a neighbour at 192.0.2.2, both in networks of their own; says whether the host itself, by its loopback
 * addresses, and the neighbour reach what the command listens on.
 */
const NEIGHBOURS = `
set -e
ip link set lo up
ip link add host0 type veth peer name wire0
unshare -n sleep 60 & neighbour=$!
trap 'kill $neighbour $server 2> /dev/null' EXIT
# It is in a network of its own when its link to that is another one.
while [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/$neighbour/ns/net)" ]; do :; done
ip link set wire0 netns $neighbour
ip addr add 192.0.2.1/24 dev host0
ip link set host0 up
there="nsenter -t $neighbour -n"
$there ip addr add 192.0.2.2/24 dev wire0
$there ip link set wire0 up
exec 3>&1
port=$1; shift
"$@" >&2 & server=$!
until grep -qi ":$(printf %04X $port) .* 0A " /proc/net/tcp /proc/net/tcp6; do :; done
ask() { name=$1; shift; if "$@" > /dev/null 2>&1; then echo "$name: yes"; else echo "$name: no"; fi >&3; }
ask 127.0.0.1 nc -z -w 5 127.0.0.1 $port
ask ::1 nc -z -w 5 ::1 $port
ask neighbour $there nc -z -w 5 192.0.2.1 $port
`
const inNetwork = process.getuid() === 0 ? ['unshare', '-n'] : ['unshare', '-rn']

test(
  'its host reaches it by loopback, and a neighbour of the host does not',
  async (context) => {
    const control = await controlServer(context)
    const [file, ...enter] = [...inNetwork, 'sh', '-c', NEIGHBOURS, 'sh', '8000', 'env']
    const captured = Object.entries(control.env).map((entry) => entry.join('='))
    for (const [words, six] of [
      [['tcp4', 'to=0.0.0.0,8000'], 'no'],
      [['tcp6', 'to=::,8000'], 'yes'],
    ]) {
      const answers = Array(4).fill('accept')
      const command = [programPath('listener'), ...words, 'listen', ...answers]
      for (const [env, seen] of [
        [[], 'yes'],
        [captured, 'no'],
      ]) {
        const program = start(context, file, [...enter, ...env, ...command])
        const { stdout, stderr } = await program.ended
        equal(stdout, `127.0.0.1: yes\n::1: ${six}\nneighbour: ${seen}\n`, stderr)
      }
    }
  },
  {
    needs:
      missingCommand('ip', '-V') ??
      missingCommand(...inNetwork, 'true') ??
      missingCommand('nc', '-h'),
  },
)

testBoth(
  'a process that has become nobody still listens',
  async (context, kind) => {
    const control = await controlServer(context)
    const words = ['tcp4', 'listen', 'user', 'tcp4', 'listen']
    const seen = await observe(context, 'listener', words, { kind, env: control.env })
    equal(seen, 'listen: ok\nsetgroups: ok\nsetgid: ok\nsetuid: ok\nlisten: ok\n')
    equal(control.told().length, 2)
  },
  { needs: unlessRoot },
)
