// What only the dial socket has: dials that go on by themselves, and processes and descriptors that they follow.
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { dialServer } from '../lib/dial-server.mjs'
import { test } from '../lib/harness.mjs'
import { observe, start } from '../lib/program.mjs'
import { slowServer } from '../lib/servers.mjs'
import { missing, missingCommand, programPath } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, MAPPED, ROUTES, SIX } from '../lib/world.mjs'

const CONNECTED = 'connect: ok\npeer: the destination\n'
const libcs = { glibc: undefined, musl: missing.musl }

function testDial(name, run, { needs, kinds = Object.keys(libcs) } = {}) {
  for (const kind of kinds) {
    const lacks = libcs[kind]
    test(`${name} (${kind})`, (c) => run(c, kind), { needs: missing.go ?? lacks ?? needs })
  }
}

/** A dial socket whose one destination never answers until `release()`. */
async function silentWorld(context) {
  const silent = await slowServer(context)
  const hosts = { '*:80': `127.0.0.1:${silent.port}` }
  const dial = await dialServer(context, { hosts, routes: ROUTES })
  return { dial, release: silent.release, args: [FOUR, '80'] }
}

const GLIBC = ['glibc']
for (const [mode, name, kinds] of [
  ['close', 'close()'],
  ['stream', 'fclose()'],
  ['over', 'dup2() over it'],
  ['over3', 'dup3() over it'],
  ['between', 'close_range()', GLIBC],
  ['above', 'closefrom()', GLIBC],
  ['gone', 'an exec that it does not survive'],
  ['disconnect', 'connect() with AF_UNSPEC'],
]) {
  testDial(
    `${name} ends a dial that is under way`,
    async (context, kind) => {
      const { dial, args } = await silentWorld(context)
      const command = programPath('under-way', kind)
      const child = start(context, command, [...args, mode], dial.env)
      await dial.sees({ event: 'dial' })
      await child.says('ready\n')
      child.tell('go')
      await dial.sees({ event: 'cancelled' })
      child.child.stdin.end()
      match((await child.ended).stdout, /^connect: EINPROGRESS\n/)
    },
    { kinds },
  )
}

testDial('the end of a process ends its dials', async (context, kind) => {
  const { dial, args } = await silentWorld(context)
  const child = start(context, programPath('under-way', kind), [...args, 'close'], dial.env)
  await dial.sees({ event: 'dial' })
  child.child.kill('SIGKILL')
  await dial.sees({ event: 'cancelled' })
})

for (const [mode, name] of [
  ['dup', 'a duplicate of a socket that is closed'],
  ['fork', 'the child of a process that has ended'],
  ['kept', 'what a process is replaced by'],
]) {
  testDial(`${name} keeps the dial`, async (context, kind) => {
    const { dial, args, release } = await silentWorld(context)
    const child = start(context, programPath('under-way', kind), [...args, mode], dial.env)
    await dial.sees({ event: 'dial' })
    release()
    const { stdout } = await child.ended
    equal(stdout, 'connect: EINPROGRESS\npoll: 1\npending: 0\npeer: the destination\n')
    equal(dial.told('cancelled').length, 0)
  })
}

testDial('a process that gets the socket keeps the dial', async (context, kind) => {
  const { port, env } = await dialWorld(context, { delayMs: 50 })
  const seen = await observe(context, 'under-way', [FOUR, port, 'sent'], { env, kind })
  equal(seen, 'connect: EINPROGRESS\npoll: 1\npeer: the destination\nwrite: 4\nread: ping\n')
})

testDial('a connect() while one is under way is EALREADY', async (context, kind) => {
  const again = async (server, args, env) => {
    const command = programPath('under-way', kind)
    const child = start(context, command, [...args, 'again'], env)
    await child.says('ready\n')
    server.release()
    child.tell('go')
    return (await child.ended).stdout
  }
  const direct = await slowServer(context)
  const { dial, args, release } = await silentWorld(context)
  const without = await again(direct, ['127.0.0.1', String(direct.port)], {})
  equal(await again({ release }, args, dial.env), without)
  match(without, /^connect: EINPROGRESS\nconnect again: EALREADY\n/)
})

testDial('after select() the next connect() is 0, then EISCONN', async (context, kind) => {
  const { port, env } = await dialWorld(context, { delayMs: 50 })
  equal(
    await observe(context, 'under-way', [FOUR, port, 'select'], { env, kind }),
    'connect: EINPROGRESS\nselect: 1\nconnect again: ok\nand again: EISCONN\npeer: the destination\n',
  )
})

testDial('and after a failure its errno, once', async (context, kind) => {
  const { closed, env } = await dialWorld(context, { delayMs: 50 })
  equal(
    await observe(context, 'under-way', [FOUR, closed, 'select'], { env, kind }),
    'connect: EINPROGRESS\nselect: 1\nconnect again: ECONNREFUSED\nand again: EINPROGRESS\npeer: ENOTCONN\n',
  )
})

testDial('each code is its errno, in connect() and in SO_ERROR', async (context, kind) => {
  const codes = { 81: 'refused', 82: 'timed-out', 83: 'no-route', 84: 'denied' }
  const failures = Object.fromEntries(Object.entries(codes).map(([at, code]) => [`*:${at}`, code]))
  const { env } = await dialWorld(context, { failures })
  const wanted = ['ECONNREFUSED', 'ETIMEDOUT', 'ENETUNREACH', 'EACCES']
  for (const [index, port] of Object.keys(codes).entries()) {
    for (const modes of [[], ['nonblocking']]) {
      const seen = await observe(context, 'dial', [FOUR, port, 'none', ...modes], { env, kind })
      match(seen, new RegExp(`^connect: ${wanted[index]}\\npending: 0\\n`, 'm'))
    }
  }
})

testDial('a connected socket keeps its peer through exec, with no environment', async (c, kind) => {
  const { port, env } = await dialWorld(c)
  for (const host of [FOUR, SIX, MAPPED]) {
    equal(await observe(c, 'under-way', [host, port, 'exec'], { env, kind }), CONNECTED)
  }
})

testDial('and through SCM_RIGHTS', async (context, kind) => {
  const { port, env } = await dialWorld(context)
  const seen = await observe(context, 'under-way', [FOUR, port, 'rights'], { env, kind })
  equal(seen, `${CONNECTED.replace('\n', '\npoll: 1\n')}write: 4\nread: ping\n`)
})

for (const [mode, name, kinds] of [
  ['clone', 'clone()'],
  ['daemon', 'daemon()'],
  ['_Fork', '_Fork()', GLIBC],
]) {
  testDial(
    `the child of ${name} connects`,
    async (context, kind) => {
      const { port, env } = await dialWorld(context)
      const seen = await observe(context, 'children', [FOUR, port, mode], { env, kind })
      equal(seen, `${CONNECTED}${CONNECTED}`)
    },
    { kinds },
  )
}

testDial('the child of a vfork() connects, and its parent afterwards', async (context, kind) => {
  const { port, env } = await dialWorld(context)
  const seen = await observe(context, 'under-way', [FOUR, port, 'vfork'], { env, kind })
  equal(seen, `${CONNECTED}child: 0\n${CONNECTED}`)
})

for (const how of ['each', 'range', 'from', 'raw', 'covered']) {
  testDial(`a program that closes every descriptor (${how}) connects`, async (context, kind) => {
    const { port, env } = await dialWorld(context)
    for (const before of [[], ['before']]) {
      const seen = await observe(context, 'under-way', [FOUR, port, how, ...before], { env, kind })
      equal(seen.replace('close_range: ok\n', ''), CONNECTED.repeat(1 + before.length))
    }
  })
}

const unlessRoot = process.getuid() === 0 ? undefined : 'root'

testDial(
  'a process that has changed its user connects',
  async (context, kind) => {
    const { port, env } = await dialWorld(context)
    const seen = await observe(context, 'under-way', [FOUR, port, 'user'], { env, kind })
    equal(seen, `setgid: ok\nsetuid: ok\n${CONNECTED}`)
  },
  { needs: unlessRoot },
)

testDial(
  'a process in another root directory connects',
  async (context, kind) => {
    const { port, env } = await dialWorld(context)
    const root = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-root-'))
    context.defer(() => rm(root, { recursive: true }))
    const seen = await observe(context, 'under-way', [FOUR, port, 'root', root], { env, kind })
    equal(seen, `chroot: ok\n${CONNECTED}`)
  },
  { needs: unlessRoot },
)

testDial('a program that never dials has no channel', async (context, kind) => {
  const { port, env, dial } = await dialWorld(context, { host: '::' })
  await observe(context, 'loopback', [port], { env, kind })
  deepEqual(dial.told('hello'), [])
})

testDial('the sidecar knows of a program that has not dialled yet', async (context, kind) => {
  const { port, env, dial } = await dialWorld(context)
  const child = start(context, programPath('under-way', kind), [FOUR, String(port), 'wait'], env)
  await child.says('ready\n')
  await dial.sees({ event: 'family' })
  deepEqual(dial.told('hello'), [])
  child.tell('go')
  await child.ended
  await dial.sees({ event: 'familyLeft' })
})

testDial('what no route covers is connected by the program itself', async (context, kind) => {
  const { closed, env, dial } = await dialWorld(context)
  // TCP knows no broadcast, as the kernel says itself: nothing leaves the host.
  const seen = await observe(context, 'dial', ['255.255.255.255', closed], { env, kind })
  equal(seen, await observe(context, 'dial', ['255.255.255.255', closed], { kind }))
  match(seen, /^connect: ENETUNREACH$/m)
  deepEqual(dial.told('dial'), [])
})

testDial('without a tarpit SOCKS5 is asked', async (context, kind) => {
  const { port, env, dial } = await dialWorld(context, { tarpits: false })
  // Nobody listens there.
  match(await observe(context, 'dial', [FOUR, port], { env, kind }), /^connect: ENETDOWN$/m)
  deepEqual(dial.told('dial'), [])
})

testDial('a sidecar that is gone is ENETDOWN', async (context, kind) => {
  const { port, env, dial } = await dialWorld(context)
  const args = [FOUR, String(port), 'wait']
  const child = start(context, programPath('under-way', kind), args, env)
  await child.says('ready\n')
  await dial.kill()
  child.tell('go')
  equal((await child.ended).stdout, 'ready\nconnect: ENETDOWN\npeer: ENOTCONN\n')
  match(await observe(context, 'dial', [FOUR, port], { env, kind }), /^connect: ENETDOWN$/m)
})

testDial('one that goes after a dial is ENETDOWN, and raises no signal', async (context, kind) => {
  const { port, env, dial } = await dialWorld(context)
  const args = [FOUR, String(port), 'twice']
  const child = start(context, programPath('under-way', kind), args, env)
  await child.says('ready\n')
  await dial.kill()
  child.tell('go')
  const { stdout, signal } = await child.ended
  equal(stdout, `${CONNECTED}ready\nconnect: ENETDOWN\npeer: ENOTCONN\n`)
  equal(signal, null)
})

testDial('one that goes while a dial is under way is ENETDOWN too', async (context, kind) => {
  const { dial, args } = await silentWorld(context)
  const child = start(context, programPath('under-way', kind), [...args, 'blocking'], dial.env)
  await dial.sees({ event: 'dial' })
  await dial.kill()
  equal((await child.ended).stdout, 'ready\nconnect: ENETDOWN\npeer: ENOTCONN\n')
})

for (const [mode, seen] of [
  ['left', 'poll: 1\npending: ENETDOWN\npeer: ENOTCONN\n'],
  ['read', 'read: ENETDOWN\n'],
]) {
  testDial(`nor is it a refusal to a program that does not wait (${mode})`, async (c, kind) => {
    const { dial, args } = await silentWorld(c)
    const child = start(c, programPath('under-way', kind), [...args, mode], dial.env)
    await dial.sees({ event: 'dial' })
    await child.says('ready\n')
    await dial.kill()
    child.tell('go')
    equal((await child.ended).stdout, `connect: EINPROGRESS\nready\n${seen}`)
  })
}

testDial('a refusal by loopback itself stays one', async (context, kind) => {
  const { closed, env } = await dialWorld(context)
  for (const modes of [[], ['nonblocking']]) {
    const args = ['127.0.0.1', closed, 'none', ...modes]
    match(await observe(context, 'dial', args, { env, kind }), /^connect: ECONNREFUSED$/m)
  }
})

test(
  'a wrong token is ENETDOWN',
  async (context) => {
    const { port, env } = await dialWorld(context)
    const other = { ...env, TAILPROXY_TOKEN: 'x'.repeat(64) }
    match(await observe(context, 'dial', [FOUR, port], { env: other }), /^connect: ENETDOWN$/m)
  },
  { needs: missing.go },
)

const GARBAGE = `
import fcntl, os, socket, sys
path, what = sys.argv[1:]
def board(size, seals=7):
    fd = os.memfd_create('board', os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, 1033, seals)
    return fd
answers = {
    'nothing': (b'', []),
    'garbage': (os.urandom(64), []),
    'a message that is cut': (b'\\x01\\x02\\x06', []),
    'no board': (b'\\x01\\x02\\x06\\0\\0\\0', []),
    'two boards': (b'\\x01\\x02\\x06\\0\\0\\0', [board(13631488), board(13631488)]),
    'an empty board': (b'\\x01\\x02\\x06\\0\\0\\0', [board(13631488)]),
    'a board of another size': (b'\\x01\\x02\\x06\\0\\0\\0', [board(4096)]),
    'a board that could shrink': (b'\\x01\\x02\\x06\\0\\0\\0', [board(13631488, 0)]),
    'a board that is no file': (b'\\x01\\x02\\x06\\0\\0\\0', [0]),
}
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(path)
listener.listen()
print('listening', flush=True)
while True:
    bootstrap, _ = listener.accept()
    channels = []
    while not channels:  # the first message says only whose the bootstrap is
        said, channels, _, _ = socket.recv_fds(bootstrap, 4096, 1)
        if not said:
            break
    if not channels:
        continue
    channel = channels[0]
    message, descriptors = answers[what]
    with socket.socket(fileno=channel) as channel:
        if message:
            socket.send_fds(channel, [message], descriptors)
`
for (const what of [
  'nothing',
  'garbage',
  'a message that is cut',
  'no board',
  'two boards',
  'an empty board',
  'a board of another size',
  'a board that could shrink',
  'a board that is no file',
]) {
  test(
    `a dial socket that answers with ${what} is ENETDOWN`,
    async (context) => {
      const directory = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-garbage-'))
      context.defer(() => rm(directory, { recursive: true }))
      const socket = path.join(directory, 'dial.sock')
      const server = start(context, 'python3', ['-c', GARBAGE, socket, what])
      await server.says('listening')
      const { env } = await dialWorld(context)
      const seen = await observe(context, 'dial', [FOUR, 80], {
        env: { ...env, TAILPROXY_SOCK: socket },
      })
      equal(seen, 'connect: ENETDOWN\npending: 0\nflags: 0\npeer: ENOTCONN\n')
    },
    { needs: missing.go ?? missingCommand('python3') },
  )
}
