// Pointers, lengths and messages that no call can use, and a sidecar that answers with what nobody can read.
import { equal, match } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { dialServer } from '../lib/dial-server.mjs'
import { root, test } from '../lib/harness.mjs'
import { observe, observeBoth, start } from '../lib/program.mjs'
import { echoDatagrams, echoServer } from '../lib/servers.mjs'
import { library, missing, missingCommand } from '../lib/toolchain.mjs'
import { TAILNET, testBoth } from '../lib/world.mjs'

const families = [
  ['IPv4', '127.0.0.1', TAILNET],
  ['IPv6', '::1', 'fd7a:115c:a1e0::5'],
  ['IPv4 on an IPv6 socket', '::ffff:127.0.0.1', `::ffff:${TAILNET}`],
]

for (const [name, direct, proxied] of families) {
  testBoth(
    `pointers and lengths that no call can use have the kernel’s errno: ${name}`,
    async (context, kind) => {
      const { port } = await echoServer(context, { host: '::' })
      const datagrams = await echoDatagrams(context)
      const hosts = { [`${TAILNET}:*`]: '127.0.0.1:*', '[fd7a:115c:a1e0::5]:*': '[::1]:*' }
      const { env } = await dialServer(context, { hosts, udpHosts: hosts })
      const ports = [port, datagrams]
      const runs = { direct: [direct, ...ports], proxied: [proxied, ...ports] }
      await observeBoth(context, 'bad-pointers', { ...runs, env, kind })
    },
    { needs: missing.go },
  )
}

/** A dial socket that welcomes everybody and answers with `what`. */
async function lyingSidecar(context, what) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-lying-'))
  context.defer(() => rm(directory, { recursive: true }))
  const socket = path.join(directory, 'dial.sock')
  const script = path.join(root, 'test/lib/lying-sidecar.py')
  await start(context, 'python3', [script, socket, what]).says('listening')
  return environment(socket)
}

const environment = (socket) => ({
  LD_PRELOAD: library,
  TAILPROXY_HOST: '127.0.0.1',
  TAILPROXY_PORT: '9',
  TAILPROXY_SOCK: socket,
  TAILPROXY_TOKEN: 'x'.repeat(64),
})

const questions = {
  lookup: ['hello', 'hello', 'nobody'],
  'host-entries': ['hello', '100.64.0.1', 'fd7a:115c:a1e0::1', 'nobody'],
  resolver: ['hello.ts.net', 'hello', 'alias.ts.net', 'nobody.ts.net', 'empty.ts.net'],
  datagrams: [TAILNET, 9],
}

/** What is no answer to some questions. The others have no such part, or it is the program's to read. */
const only = {
  'counts of what is not there': ['lookup', 'host-entries'],
  'a name with an end in it': ['lookup', 'host-entries', 'datagrams'],
  'addresses of no family': ['lookup', 'datagrams'],
}

for (const what of [
  'nothing',
  'an empty datagram',
  'garbage',
  'a header that is cut',
  'a header alone',
  'a body that is cut',
  'a length of its own',
  'more than it says',
  'an answer to another question',
  'another version',
  'counts of what is not there',
  'a name with an end in it',
  'addresses of no family',
]) {
  testBoth(
    `${what} for an answer is as no sidecar at all`,
    async (context, kind) => {
      const env = await lyingSidecar(context, what)
      for (const program of only[what] ?? Object.keys(questions)) {
        const args = questions[program]
        const gone = await observe(context, program, args, { env: environment('/nowhere'), kind })
        const seen = await observe(context, program, args, { env, kind })
        // There is a channel.
        equal(seen.replace('descriptors left: 1', 'descriptors left: 0'), gone, program)
      }
    },
    { needs: missingCommand('python3') },
  )
}

test(
  'a dial socket that never says a word is ENETDOWN',
  async (context) => {
    const env = await lyingSidecar(context, 'silence')
    match(await observe(context, 'dial', [TAILNET, 9], { env }), /^connect: ENETDOWN$/m)
  },
  { needs: missingCommand('python3') },
)
