import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Session, sidecarEnvironment } from '@tailproxy/session'
import { findSidecar, type RunPolicy } from '@tailproxy/sidecar'
import { afterAll, beforeAll, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { type Tailnet, test } from '../support/tailnet.ts'
import { start } from '../support/tailproxy.ts'

const BLOCK = 1024 * 1024
const BLOCKS = 200
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

/** 200 MB in which no block is like another, so that one lost, doubled or moved shows in the hash. */
function* payload(): Generator<Buffer> {
  for (let index = 0; index < BLOCKS; index++) {
    const block = Buffer.alloc(BLOCK, createHash('sha256').update(String(index)).digest())
    yield block
  }
}

let server: Server
let expected: string
beforeAll(async () => {
  const hash = createHash('sha256')
  for (const block of payload()) hash.update(block)
  expected = hash.digest('hex')
  server = createServer((request, response) => {
    if (request.method === 'GET') {
      Readable.from(payload()).pipe(response)
      return
    }
    const received = createHash('sha256')
    request.on('data', (chunk) => received.update(chunk))
    request.on('end', () => response.end(received.digest('hex')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

async function forwarded({ lab }: Tailnet, port: number): Promise<string> {
  await lab.addForward('hello', port, `127.0.0.1:${(server.address() as AddressInfo).port}`)
  return `http://hello:${port}/`
}

const uploader = `
  const { request } = require('node:http')
  const { createHash } = require('node:crypto')
  const { Readable } = require('node:stream')
  function* payload() {
    for (let index = 0; index < ${BLOCKS}; index++)
      yield Buffer.alloc(${BLOCK}, createHash('sha256').update(String(index)).digest())
  }
  const upload = request(process.argv[1], { method: 'PUT' }, (response) => response.pipe(process.stdout))
  Readable.from(payload()).pipe(upload)
`

test('200 MB arrive whole from a peer', async ({ tailnet }) => {
  const url = await forwarded(tailnet, 8001)
  const script = `
    const { get } = require('node:http')
    const hash = require('node:crypto').createHash('sha256')
    get(process.argv[1], (r) => r.on('data', (c) => hash.update(c)).on('end', () => console.log(hash.digest('hex'))))
  `
  const { stdout } = await tailnet.tailproxy.run(['node', '-e', script, url])
  expect(stdout.trim()).toBe(expected)
})

test('200 MB arrive whole at a peer', async ({ tailnet }) => {
  const url = await forwarded(tailnet, 8002)
  const { stdout } = await tailnet.tailproxy.run(['node', '-e', uploader, url])
  expect(stdout).toBe(expected)
})

test.skipIf(lacks('curl'))(
  named('no byte of a 200 MB transfer passes through Node', 'curl'),
  async ({ tailnet }) => {
    const url = await forwarded(tailnet, 8003)
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-transfers-'))
    const session = await Session.open({
      sidecar: findSidecar(),
      env: sidecarEnvironment(process.env, { lab: true }),
      hostname: 'counter',
      stateDirectory: path.join(directory, 'state'),
      controlUrl: tailnet.lab.info.controlUrl,
    })
    try {
      const policy: RunPolicy = { onlyTailnet: false, bypass: [], ask: false, udp: 'proxy' }
      const { user, password } = await session.register('counted', policy)
      const proxy = `socks5h://${user}:${password}@${session.host}:${session.port}`
      const before = session.channelTraffic.read + session.channelTraffic.written
      const { status, stdout } = await start('curl', [
        '-sS',
        '--proxy',
        proxy,
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        url,
      ]).finished
      expect({ status, stdout }).toEqual({ status: 0, stdout: String(BLOCK * BLOCKS) })
      const crossed = session.channelTraffic.read + session.channelTraffic.written - before
      // A handshake and two events are under 2 KiB.
      expect(crossed).toBeLessThan(4096)
    } finally {
      await session.close()
      rmSync(directory, { recursive: true })
    }
  },
)

test.skipIf(lacks('python3'))(
  named('one direction can end while the other goes on', 'python3'),
  async ({ tailnet }) => {
    const { stdout } = await tailnet.tailproxy.run(['python3', fixture('half_close.py'), 'hello'])
    expect(stdout).toBe('1000000 bytes back, then the end\n')
  },
)

test.skipIf(lacks('python3'))(
  named('500 connections are open at once', 'python3'),
  async ({ tailnet }) => {
    const command = ['python3', fixture('many_connections.py'), 'hello', '500']
    const { stdout, stderr } = await tailnet.tailproxy.run(command)
    expect({ stdout, stderr }).toEqual({ stdout: '500 of 500 echoed\n', stderr: '' })
  },
)
