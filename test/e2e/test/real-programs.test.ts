import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { type Tailnet, test } from '../support/tailnet.ts'

// Programs as people use them; those that bring a server of their own are in real-services.test.ts. docs/programs.md has the table.

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
/** Debian's own Python: its packages are not another one's on PATH. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

function lacksModule(name: string): boolean {
  try {
    execFileSync(PYTHON, ['-c', `import ${name}`], { stdio: 'ignore' })
    return false
  } catch {
    return true
  }
}

const withoutModule = (title: string, name: string) =>
  lacksModule(name) ? `${title} (skipped: needs python3-${name})` : title

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-real-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Client {
  name: string
  needs: string
  command: (hello: Tailnet['hello']) => string[]
  input?: string
  says: RegExp
}

const greeting = /^Hello, client-\d+!$/m

const clients: Client[] = [
  {
    name: 'OpenJDK Socket',
    needs: 'javac',
    command: () => ['java', fixture('Clients.java'), 'socket', 'hello'],
    says: greeting,
  },
  {
    name: 'OpenJDK SocketChannel with a Selector',
    needs: 'javac',
    command: () => ['java', fixture('Clients.java'), 'nio', 'hello'],
    says: greeting,
  },
  {
    name: 'OpenJDK HttpClient',
    needs: 'javac',
    command: () => ['java', fixture('Clients.java'), 'http', 'hello'],
    says: greeting,
  },
  {
    name: 'Node fetch (undici)',
    needs: 'node',
    command: () => ['node', fixture('fetch_undici.mjs'), 'http://hello/'],
    says: greeting,
  },
  {
    name: 'Node dgram, unconnected',
    needs: 'node',
    command: ({ ipv4 }) => ['node', fixture('udp_echo.mjs'), 'unconnected', ipv4],
    says: /^ping from 100\.64\.0\.1 7$/m,
  },
  {
    name: 'Node dgram, connected over IPv6',
    needs: 'node',
    command: ({ ipv6 }) => ['node', fixture('udp_echo.mjs'), 'connected', ipv6],
    says: /^ping from fd7a:115c:a1e0:\S* 7$/m,
  },
  {
    name: 'Perl IO::Socket::IP',
    needs: 'perl',
    command: () => ['perl', fixture('fetch.pl'), 'hello'],
    says: /Hello, client-\d+![\s\S]*peer (100\.64\.0\.1|fd7a:115c:a1e0:\S*) 80\n$/,
  },
  {
    name: 'Chromium headless',
    needs: 'chromium',
    command: () => [
      'chromium',
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      `--user-data-dir=${scratch}/chromium`,
      '--dump-dom',
      'http://hello/',
    ],
    says: /Hello, client-\d+!/,
  },
  {
    name: 'dig A',
    needs: 'dig',
    command: ({ name }) => ['dig', '+short', name, 'A'],
    says: /^100\.64\.0\.1\n$/,
  },
  {
    name: 'dig AAAA over TCP',
    needs: 'dig',
    command: ({ name }) => ['dig', '+tcp', '+short', name, 'AAAA'],
    says: /^fd7a:115c:a1e0:\S*\n$/,
  },
  {
    name: 'dig -x',
    needs: 'dig',
    command: ({ ipv4 }) => ['dig', '+short', '-x', ipv4],
    says: /^hello\.\S+\.\n$/,
  },
  {
    name: 'dig, a name that the tailnet does not have',
    needs: 'dig',
    command: ({ name }) => ['dig', name.replace('hello', 'nosuchpeer'), 'A'],
    says: /status: NXDOMAIN/,
  },
  {
    name: 'nc',
    needs: 'nc',
    command: () => ['nc', '-N', '-w', '20', 'hello', '7'],
    input: 'through nc\n',
    says: /^through nc\n$/,
  },
  {
    name: 'nc -u',
    needs: 'nc',
    command: () => ['nc', '-u', '-W', '1', 'hello', '7'],
    input: 'datagram\n',
    says: /^datagram\n$/,
  },
  {
    name: 'socat TCP',
    needs: 'socat',
    command: () => ['socat', '-t20', '-', 'TCP:hello:7'],
    input: 'through socat\n',
    says: /^through socat\n$/,
  },
  {
    name: 'socat UDP',
    needs: 'socat',
    // One datagram each way, then the end: -t is how long the answer may take after our end of file.
    command: () => ['socat', '-t1', '-', 'UDP:hello:7'],
    input: 'datagram\n',
    says: /^datagram\n$/,
  },
]

describe.for(clients)('$name', ({ name, needs, command, input, says }) => {
  test.skipIf(lacks(needs))(named(`${name} works`, needs), async ({ tailnet }) => {
    const words = command(tailnet.hello)
    const result = await tailnet.tailproxy.run(words, input === undefined ? {} : { input })
    expect(result).toMatchObject({ status: 0, stdout: expect.stringMatching(says) })
  })
})

test.skipIf(lacksModule('requests'))(
  withoutModule('Python requests fetches a page', 'requests'),
  async ({ tailnet }) => {
    const command = [PYTHON, fixture('fetch_requests.py'), 'http://hello/']
    const { status, stdout, stderr } = await tailnet.tailproxy.run(command)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(greeting)
  },
)

test.skipIf(lacksModule('aiohttp'))(
  withoutModule('Python aiohttp fetches twenty pages at once', 'aiohttp'),
  async ({ tailnet }) => {
    const command = [PYTHON, fixture('fetch_aiohttp.py'), 'http://hello/']
    const { status, stdout, stderr } = await tailnet.tailproxy.run(command)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.match(/^Hello, /gm)).toHaveLength(20)
  },
)

describe('curl', () => {
  let plain: Http2Server
  let secure: Http2SecureServer

  beforeAll(async () => {
    if (lacks('openssl')) return
    const answer = (request: Http2ServerRequest, response: Http2ServerResponse) =>
      response.end(`HTTP/${request.httpVersion}\n`)
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(scratch, name)) as [
      string,
      string,
    ]
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
    const names = ['-subj', '/CN=hello', '-addext', 'subjectAltName=DNS:hello']
    execFileSync('openssl', [...request, '-nodes', ...names, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    })
    plain = createServer(answer)
    secure = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer)
    for (const server of [plain, secure]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
  })
  afterAll(() => {
    plain?.close()
    secure?.close()
  })

  test.skipIf(lacks('curl', 'openssl'))(
    named('curl --http2 speaks it over TLS, and without', 'curl', 'openssl'),
    async ({ tailnet: { lab, tailproxy } }) => {
      await lab.addForward('hello', 8002, `127.0.0.1:${portOf(plain)}`)
      await lab.addForward('hello', 443, `127.0.0.1:${portOf(secure)}`)
      const get = ['curl', '-sS', '--cacert', path.join(scratch, 'cert.pem')]
      // curl 7.88 takes one request without TLS, with no proxy in between either.
      for (const [option, url, times] of [
        ['--http2-prior-knowledge', 'http://hello:8002/', 1],
        ['--http2', 'https://hello/[1-20]', 20],
      ] as const) {
        expect(await tailproxy.run([...get, option, url])).toMatchObject({
          status: 0,
          stderr: '',
          stdout: 'HTTP/2.0\n'.repeat(times),
        })
      }
    },
  )

  test.skipIf(lacks('curl'))(
    named('curl --parallel has twenty connections at once', 'curl'),
    async ({ tailnet }) => {
      const urls = Array.from({ length: 20 }, (_, i) => `http://hello/bytes/${100_000 + i}`)
      const command = [
        'curl',
        '-sS',
        '--parallel',
        '--parallel-immediate',
        '--no-progress-meter',
        '-w',
        '%{size_download} %{num_connects}\\n',
        ...urls.flatMap((url) => ['-o', '/dev/null', url]),
      ]
      const { status, stdout, stderr } = await tailnet.tailproxy.run(command)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const sizes = stdout.trim().split('\n').sort()
      expect(sizes).toEqual(urls.map((_, i) => `${100_000 + i} 1`))
    },
  )
})

test.skipIf(lacks('wget'))(named('wget downloads a file', 'wget'), async ({ tailnet }) => {
  const file = path.join(scratch, 'downloaded')
  const command = ['wget', '-q', '-O', file, 'http://hello/bytes/5000000']
  expect(await tailnet.tailproxy.run(command)).toMatchObject({ status: 0, stderr: '' })
  expect(readFileSync(file)).toHaveLength(5_000_000)
})

function portOf(server: Http2Server | Http2SecureServer): number {
  return (server.address() as AddressInfo).port
}
