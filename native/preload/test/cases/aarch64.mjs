// The other machine, under emulation: the same observations as on this one.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import path from 'node:path'
import { root, test } from '../lib/harness.mjs'
import { environmentFor, observe, start } from '../lib/program.mjs'
import { closedPort, echoServer, socksServer } from '../lib/servers.mjs'
import { missing, programPath } from '../lib/toolchain.mjs'
import { dialWorld, FOUR } from '../lib/world.mjs'

const names = { hello: ['100.64.0.1', 'fd7a:115c:a1e0::1'] }
const SYSROOT = '/usr/aarch64-linux-gnu'
const library = path.join(root, 'build/aarch64/libtailproxy.so')

async function emulate(context, program, args, { LD_PRELOAD: _native, ...env }) {
  const command = path.join(root, 'build/aarch64/test/glibc', program)
  const options = ['-L', SYSROOT, '-E', `LD_PRELOAD=${library}`, command, ...args.map(String)]
  const { status, stdout, stderr } = await start(context, 'qemu-aarch64', options, env).ended
  deepEqual({ status, stderr }, { status: 0, stderr: '' })
  return stdout
}

const programs = {
  dial: (world) => ['fd7a:115c:a1e0::5', world.port],
  again: (world) => ['100.64.0.5', world.closed, world.port, 'bound'],
  peers: (world) => ['fd7a:115c:a1e0::5', world.port],
  lookup: () => ['hello', 'hello', 'nobody'],
  'host-entries': () => ['hello', '100.64.0.1', 'fd7a:115c:a1e0::1', 'nobody'],
  'fast-open': (world) => ['100.64.0.5', world.port, world.closed],
  'by-name': (world) => ['hello', world.port, 0],
}
for (const [program, args] of Object.entries(programs)) {
  test(
    `${program} on aarch64 is as on this machine`,
    async (context) => {
      const echo = await echoServer(context)
      const world = { port: echo.port, closed: await closedPort(context) }
      const routes = { [`*:${echo.port}`]: echo.port }
      const env = environmentFor(await socksServer(context, { names, routes }))
      const here = await observe(context, program, args(world), { env })
      equal(await emulate(context, program, args(world), env), here)
    },
    { needs: missing.aarch64 },
  )
}

test(
  'where the kernel has no SO_COOKIE, as under emulation, SOCKS5 is asked in place of the dial socket',
  async (context) => {
    const { port, env, dial } = await dialWorld(context)
    const socks = await socksServer(context, { routes: { [`*:${port}`]: port } })
    const seen = await emulate(context, 'dial', [FOUR, port], {
      ...env,
      TAILPROXY_PORT: String(socks.port),
    })
    match(seen, /^connect: ok$/m)
    deepEqual([socks.requests.length, dial.told('dial')], [1, []])
  },
  { needs: missing.aarch64 ?? missing.go },
)

for (const call of ['execve', 'execl', 'execlp', 'execle', 'posix_spawn', 'system']) {
  test(
    `${call} on aarch64 gives back a cleared environment`,
    async (context) => {
      // Only a program of this machine can be started there: it is the other one's to the library.
      const command = path.join(root, 'build/aarch64/test/glibc/start')
      const args = ['fork', call, 'A=1', '--', programPath('surroundings', 'static'), 'a', 'b']
      const options = ['-L', SYSROOT, '-E', `LD_PRELOAD=${library}`, command, ...args]
      const env = { TAILPROXY_HOST: '127.0.0.1', TAILPROXY_PORT: '9' }
      const { stdout, stderr } = await start(context, 'qemu-aarch64', options, env).ended
      for (const line of ['arguments: a b', 'A=1', 'TAILPROXY_PORT=9', `LD_PRELOAD=${library}`]) {
        ok(stdout.includes(`${line}\n`), stdout + stderr)
      }
    },
    { needs: missing.aarch64 ?? missing.static },
  )
}
