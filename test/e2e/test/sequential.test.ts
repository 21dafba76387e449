import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect } from 'vitest'
import { has, lacks, named } from '../support/needs.ts'
import { test } from '../support/tailnet.ts'

// A small version of `node test/bench/sequential.mjs`, which has a hundred thousand connects, and their speed.

const source = fileURLToPath(new URL('../../bench/sequential.c', import.meta.url))
const COUNT = 3_000
const PENDING = 500

let scratch: string
let program: string
let closer: Server
beforeAll(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-sequential-'))
  program = path.join(scratch, 'sequential')
  if (has('cc')) execFileSync('cc', ['-o', program, source])
  closer = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end()
    socket.resume()
  }).listen(0, '127.0.0.1')
  await once(closer, 'listening')
})
afterAll(() => {
  closer?.close()
  rmSync(scratch, { recursive: true, force: true })
})

test.skipIf(lacks('cc'))(
  named('three thousand connects one after another, closed by the program first', 'cc'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const result = await tailproxy.run([program, 'program', hello.ipv4, '7', `${COUNT}`])
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(result.stdout)).toMatchObject({ connected: COUNT })
  },
)

test.skipIf(lacks('cc'))(
  named('three thousand connects one after another, closed by the peer first', 'cc'),
  async ({ tailnet: { lab, tailproxy, hello } }) => {
    await lab.addForward('hello', 4001, `127.0.0.1:${(closer.address() as AddressInfo).port}`)
    const result = await tailproxy.run([program, 'peer', hello.ipv4, '4001', `${COUNT}`])
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(result.stdout)).toMatchObject({ connected: COUNT })
  },
)

test.skipIf(lacks('cc')).for([
  ['time out', 'pending', { ETIMEDOUT: PENDING }],
  ['are given up', 'given-up', {}],
] as const)(
  named('five hundred connects that are pending at once %s, none with an event before', 'cc'),
  async ([, mode, ended], { tailnet: { lab, tailproxy } }) => {
    const { addresses } = await lab.addNode(`gone-${mode}`)
    await lab.removeNode(`gone-${mode}`)
    const result = await tailproxy.run([program, mode, addresses[0] ?? '', '80', `${PENDING}`])
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(result.stdout)).toMatchObject({ pending: PENDING, early: 0, ended })
  },
)
