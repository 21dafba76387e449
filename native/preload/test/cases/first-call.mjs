// The end of a dial that failed, told by whatever call comes first: as the kernel tells of a refusal that took its time.
import { equal, match } from 'node:assert/strict'
import { start } from '../lib/program.mjs'
import { slowServer } from '../lib/servers.mjs'
import { missing, programPath } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, testBoth } from '../lib/world.mjs'

async function firstCalls(context, kind, args, { env, refuse = () => {} }) {
  const child = start(context, programPath('first-call', kind), args.map(String), env)
  await child.says('ready\n')
  refuse()
  child.tell('go')
  const { status, stdout, stderr } = await child.ended
  equal(stderr, '')
  equal(status, 0, stdout)
  return stdout
}

testBoth(
  'each call that reads or writes tells why a dial failed, once',
  async (context, kind) => {
    const { env } = await dialWorld(context, { failures: { '*:81': 'refused' } })
    const within = await firstCalls(context, kind, [FOUR, 81], { env })
    const { port, refuse } = await slowServer(context)
    equal(within, await firstCalls(context, kind, ['127.0.0.1', port], { refuse }))
    match(within, /^first read: ECONNREFUSED, SIGPIPE 0$/m)
  },
  { needs: missing.go },
)
