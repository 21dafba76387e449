// The library's own start: whoever calls it first, and whatever calls back while it lasts.
import { match } from 'node:assert/strict'
import path from 'node:path'
import { root, test } from '../lib/harness.mjs'
import { observe } from '../lib/program.mjs'
import { library, missing } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, testBoth } from '../lib/world.mjs'

const CONNECTED = /^connect: ok$/m
const another = (name) => path.join(root, `build/test/lib${name}.so`)

testBoth(
  'an allocator that starts by reading files finds the library ready',
  async (context, kind) => {
    const { port, env } = await dialWorld(context)
    for (const LD_PRELOAD of [
      `${library} ${another('allocator')}`,
      `${another('allocator')} ${library}`,
    ]) {
      const here = { ...env, LD_PRELOAD }
      match(await observe(context, 'dial', [FOUR, port], { env: here, kind }), CONNECTED)
    }
  },
  { needs: missing.go },
)

test(
  'calls that the library’s own start makes go by no way but loopback, and end',
  async (context) => {
    const { port, env } = await dialWorld(context)
    const here = { ...env, LD_PRELOAD: `${library} ${another('lookup')}` }
    match(await observe(context, 'dial', [FOUR, port], { env: here }), CONNECTED)
  },
  { needs: missing.go },
)
