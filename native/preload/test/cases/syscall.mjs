// What a program does by syscall() is what it does by name.
import { dialServer } from '../lib/dial-server.mjs'
import { observeBoth } from '../lib/program.mjs'
import { echoDatagrams, echoServer } from '../lib/servers.mjs'
import { missing } from '../lib/toolchain.mjs'
import { TAILNET, testBoth, world } from '../lib/world.mjs'

testBoth(
  'every hooked call does the same by its number, and no other is disturbed',
  async (context, kind) => {
    const { port } = await echoServer(context)
    const datagrams = await echoDatagrams(context)
    const udpHosts = { '*:*': '127.0.0.1:*' }
    const { env } = await dialServer(context, { hosts: { '*:*': '127.0.0.1:*' }, udpHosts })
    await observeBoth(context, 'by-number', {
      direct: ['127.0.0.1', port, datagrams],
      proxied: [TAILNET, port, datagrams],
      env,
      kind,
    })
  },
  { needs: missing.go },
)

testBoth('one call by its number makes two processes', async (context, kind) => {
  const { env } = await world(context)
  await observeBoth(context, 'two-by-one', { direct: [], proxied: [], env, kind })
})
