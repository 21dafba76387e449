// io_uring passes every hook by: it is said, and refused where nothing may leave unseen.
import { equal, match } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { dialServer } from '../lib/dial-server.mjs'
import { test } from '../lib/harness.mjs'
import { environmentFor, run } from '../lib/program.mjs'
import { missing } from '../lib/toolchain.mjs'
import { testBoth, world } from '../lib/world.mjs'

const SETUP = 'import ctypes,sys; sys.exit(ctypes.CDLL(None).syscall(425, 4, bytes(120)) < 0)'
const needs = spawnSync('python3', ['-c', SETUP]).status === 0 ? undefined : 'io_uring'

testBoth(
  'io_uring is let through, and verbose says so once',
  async (context, kind) => {
    const { socks } = await world(context)
    const quiet = await run(context, 'ring', [], { env: environmentFor(socks), kind })
    match(quiet.stdout, /^(\w+: ok\n)+$/)
    equal(quiet.stderr, '')
    const env = environmentFor(socks, { TAILPROXY_VERBOSE: '1' })
    const { stdout, stderr } = await run(context, 'ring', [], { env, kind })
    equal(stdout, quiet.stdout)
    equal(stderr, 'tailproxy: uses io_uring, whose connections and datagrams are not captured\n')
  },
  { needs },
)

for (const name of ['TAILPROXY_EXIT', 'TAILPROXY_ONLY_TAILNET']) {
  test(
    `with ${name} io_uring is ENOSYS`,
    async (context) => {
      const { socks } = await world(context)
      const env = environmentFor(socks, { [name]: '1', TAILPROXY_VERBOSE: '1' })
      const { stdout, stderr } = await run(context, 'ring', [], { env })
      match(stdout, /^(\w+: ENOSYS\n)+$/)
      match(stderr, /^tailproxy: io_uring is not available, [^\n]+\n$/)
    },
    { needs },
  )
}

test(
  'in a session that routes everything io_uring is ENOSYS, and not in another',
  async (context) => {
    for (const everything of [true, false]) {
      const { env } = await dialServer(context, { everything })
      const { stdout } = await run(context, 'ring', [], { env })
      match(stdout, everything ? /^(\w+: ENOSYS\n)+$/ : /^(\w+: ok\n)+$/)
    }
  },
  { needs: needs ?? missing.go },
)
