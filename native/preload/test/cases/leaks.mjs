// No name of a wrapped program reaches the host's resolver: its DNS server, in a network of its own, counts.
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import path from 'node:path'
import process from 'node:process'
import { root, test } from '../lib/harness.mjs'
import { isolated, missingIsolation } from '../lib/isolated.mjs'
import { missing, missingCommand, programPath } from '../lib/toolchain.mjs'

const NAME = 'hello.lab.ts.net'
const records = {
  names: { [NAME]: ['100.64.0.5'], 'example.com': ['203.0.113.80'] },
  canonical: {},
  reverse: { '100.64.0.5': [NAME] },
}

/** Without the library the same program is seen to ask, so that a count of nothing means something. */
function testNoLeak(name, command, args, needs) {
  test(
    `${name} asks the session, and not the host's resolver`,
    async (context) => {
      const runs = { it: [command, args] }
      const { plain, wrapped } = (await isolated(context, { records, runs })).it
      notEqual(plain.asked.length, 0)
      deepEqual(wrapped.asked, [])
      notEqual(wrapped.resolved, 0)
      equal(wrapped.status, plain.status, wrapped.stderr)
    },
    { needs: missingIsolation ?? needs },
  )
}

for (const [kind, needs] of [
  ['glibc', undefined],
  ['musl', missing.musl],
]) {
  const testProgram = (name, program, args) =>
    testNoLeak(`${name} (${kind})`, programPath(program, kind), args, needs)
  testProgram('getaddrinfo()', 'lookup', [NAME, 'example.com', 'nobody.example'])
  testProgram('gethostbyname(), gethostbyaddr(), getnameinfo()', 'host-entries', [
    NAME,
    '100.64.0.5',
    '2001:db8::77',
    'nobody.example',
  ])
  testProgram('resolver(3)', 'resolver', [NAME, 'hello', 'example.com', 'nobody.example', 'nobody'])
}
testNoLeak('getaddrinfo_a()', programPath('async-names'), [NAME, 'nobody.example'])

const PYTHON = `
import socket
print(socket.getaddrinfo('${NAME}', 80), socket.gethostbyaddr('100.64.0.5'), socket.gethostbyname('example.com'))
print(socket.getfqdn('100.64.0.5'))
`
const PERL = `
use Socket qw(:all);
print inet_ntoa(scalar gethostbyname("${NAME}")), scalar gethostbyaddr(inet_aton("100.64.0.5"), AF_INET), "\\n";
`
const NODE = `
const dns = require('node:dns').promises
dns.lookup('${NAME}', { all: true }).then((all) => console.log(all))
  .then(() => dns.lookupService('100.64.0.5', 80)).then((name) => console.log(name))
`
testNoLeak('getent', 'getent', ['ahosts', NAME], missingCommand('getent'))
testNoLeak('Python', 'python3', ['-c', PYTHON], missingCommand('python3'))
testNoLeak('Perl', 'perl', ['-e', PERL], missingCommand('perl'))
testNoLeak('Node', process.execPath, ['-e', NODE])
testNoLeak(
  'Java',
  'java',
  ['-XX:TieredStopAtLevel=1', path.join(root, 'test/programs/Names.java'), NAME, '100.64.0.5'],
  missingCommand('java', '-version'),
)

// These ask port 53 themselves; the session answers in the resolver's place.
const CARES = `
const dns = require('node:dns').promises
dns.resolve4('${NAME}').then((all) => console.log(all))
`
testNoLeak('Node by c-ares', process.execPath, ['-e', CARES])
testNoLeak('dig', 'dig', ['+short', '+tries=1', NAME], missingCommand('dig', '-v'))
testNoLeak('dig over TCP', 'dig', ['+tcp', '+short', '+tries=1', NAME], missingCommand('dig', '-v'))
