import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { has, lacks, named } from '../support/needs.ts'
import { type Tailnet, test } from '../support/tailnet.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-programs-'))
  if (has('cc')) execFileSync('cc', ['-o', path.join(scratch, 'fetch'), fixture('fetch.c')])
  if (has('javac')) execFileSync('javac', ['-d', scratch, fixture('Fetch.java')])
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Program {
  name: string
  needs: string
  command: (host: string) => string[]
}

const url = (host: string) => `http://${host.includes(':') ? `[${host}]` : host}/`
const urllib = 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())'

const programs: Program[] = [
  { name: 'curl', needs: 'curl', command: (host) => ['curl', '-sS', url(host)] },
  { name: 'wget', needs: 'wget', command: (host) => ['wget', '-qO-', url(host)] },
  {
    name: 'Python urllib',
    needs: 'python3',
    command: (host) => ['python3', '-c', urllib, url(host)],
  },
  {
    name: 'Python asyncio',
    needs: 'python3',
    command: (host) => ['python3', fixture('fetch_asyncio.py'), host],
  },
  {
    name: 'Node http',
    needs: 'node',
    command: (host) => ['node', fixture('fetch.mjs'), url(host)],
  },
  {
    name: 'Java HttpURLConnection',
    needs: 'javac',
    command: (host) => ['java', '-cp', scratch, 'Fetch', url(host)],
  },
  {
    name: 'a plain C client',
    needs: 'cc',
    command: (host) => [path.join(scratch, 'fetch'), host, '80', '/'],
  },
]

const hosts: [string, (hello: Tailnet['hello']) => string][] = [
  ['by name', () => 'hello'],
  ['by its full name', ({ name }) => name],
  ['by IPv4', ({ ipv4 }) => ipv4],
  ['by IPv6', ({ ipv6 }) => ipv6],
]

describe.for(programs)('$name', ({ name, needs, command }) => {
  test.skipIf(lacks(needs)).for(hosts)(
    named(`${name} fetches a page from a peer %s`, needs),
    async ([, hostOf], { tailnet }) => {
      const { tailproxy, hello } = tailnet
      const { status, stdout, stderr } = await tailproxy.run(command(hostOf(hello)))
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toContain(hello.name)
    },
  )
})

describe('git', () => {
  let server: Server
  let repository: string

  beforeAll(async () => {
    repository = path.join(scratch, 'origin.git')
    if (lacks('git')) return
    const git = (...args: string[]) => execFileSync('git', args, { env: gitEnvironment() })
    const work = path.join(scratch, 'work')
    git('init', '-q', work)
    writeFileSync(path.join(work, 'README'), 'fetched through a tailnet\n')
    git('-C', work, 'add', 'README')
    git('-C', work, 'commit', '-q', '-m', 'first')
    git('clone', '-q', '--bare', work, repository)
    git('-C', repository, 'update-server-info')
    // git's "dumb" protocol: a repository is files.
    server = createServer((request, response) => {
      try {
        response.end(
          readFileSync(path.join(scratch, new URL(request.url ?? '', 'http://x').pathname)),
        )
      } catch {
        response.writeHead(404).end()
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(() => server?.close())

  test.skipIf(lacks('git'))(named('git clones over http by name', 'git'), async ({ tailnet }) => {
    const { lab, tailproxy } = tailnet
    await lab.addForward('hello', 8418, `127.0.0.1:${(server.address() as AddressInfo).port}`)
    const clone = path.join(scratch, 'clone')
    const { status, stderr } = await tailproxy.run(
      ['git', 'clone', '-q', 'http://hello:8418/origin.git', clone],
      { env: gitEnvironment() },
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(readFileSync(path.join(clone, 'README'), 'utf8')).toBe('fetched through a tailnet\n')
  })

  function gitEnvironment(): NodeJS.ProcessEnv {
    const person = { NAME: 'Test', EMAIL: 'test@example.invalid' }
    return {
      ...process.env,
      HOME: scratch,
      GIT_CONFIG_NOSYSTEM: '1',
      ...Object.fromEntries(
        ['AUTHOR', 'COMMITTER'].flatMap((role) =>
          Object.entries(person).map(([key, value]) => [`GIT_${role}_${key}`, value]),
        ),
      ),
    }
  }
})
