import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sidecarEnvironment } from '@tailproxy/session'
import { findSidecar, Lab } from '@tailproxy/sidecar'
import { expect } from 'vitest'
import { test as base } from '../support/installed.ts'

const examples = fileURLToPath(new URL('../../../examples/api/', import.meta.url))
const tailproxy = fileURLToPath(new URL('../../../packages/cli/bin/tailproxy.cjs', import.meta.url))
const run = promisify(execFile)

/** Nothing of whoever runs the tests: no key, no session, no settings. */
const BARE = { PATH: process.env['PATH'], TAILPROXY_SIDECAR: findSidecar() }

/** A file of the examples, in a project that has the packages as they are published. */
function place(project: string, name: string): string {
  const file = path.join(project, name)
  copyFileSync(path.join(examples, name), file)
  return file
}

const test = base.extend<{ web: string; home: string; controlUrl: string }>({
  web: async ({}, use) => {
    const server = createServer((request, response) => response.end(`asked for ${request.url}`))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    server.closeAllConnections()
    server.close()
  },
  home: async ({}, use) => {
    const home = mkdtempSync(path.join(tmpdir(), 'tailproxy-examples-'))
    await use(home)
    rmSync(home, { recursive: true })
  },
  controlUrl: [
    async ({}, use) => {
      const env = sidecarEnvironment(process.env, { lab: true })
      const lab = await Lab.start({ binary: findSidecar(), env })
      await use(lab.info.controlUrl)
      await lab.stop()
    },
    { scope: 'file' },
  ],
})

test('a SOCKS5 server in ten lines serves the client beside it', async ({ project, web }) => {
  const env = { ...BARE, PORT: '0' }
  const server = spawn(process.execPath, [place(project, 'socks5-server.js')], { env })
  const ended = once(server, 'exit')
  const [proxy] = (await once(createInterface(server.stdout), 'line')) as [string]
  expect(proxy).toMatch(/^socks5h:\/\/127\.0\.0\.1:\d+$/)
  const client = place(project, 'socks5-client.js')
  const { stdout } = await run(process.execPath, [client, proxy, `${web}/path`], { env: BARE })
  expect(stdout).toBe('asked for /path')
  const mail = run(process.execPath, [client, proxy, 'http://127.0.0.1:25/'], { env: BARE })
  await expect(mail).rejects.toMatchObject({ stderr: expect.stringContaining('ERR_SOCKS5_REPLY') })
  server.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

test.for([
  ['socket.js', /^example-socket was here\n$/],
  ['http.js', /^200 /],
  ['fetch.js', /^200 /],
] as const)(
  '%s reaches a host of a tailnet, and ends',
  async ([name, said], { project, home, controlUrl }) => {
    const env = { ...BARE, HOME: home, TAILPROXY_CONTROL_URL: controlUrl }
    const { stdout } = await run(process.execPath, [place(project, name)], { env })
    expect(stdout).toMatch(said)
  },
)

test('fetch.js says what the tailnet said', async ({ project, home, controlUrl }) => {
  const env = { ...BARE, HOME: home, TAILPROXY_CONTROL_URL: controlUrl }
  const lost = run(process.execPath, [place(project, 'fetch.js'), 'http://helo/'], { env })
  const stderr = 'cannot connect to helo:80: no host has that name; write it as the tailnet does\n'
  await expect(lost).rejects.toMatchObject({ code: 1, stdout: '', stderr })
})

test('http.js runs on a lab of its own, as its README has it', async ({ project, home }) => {
  const args = [tailproxy, 'lab', 'run', '--', process.execPath, place(project, 'http.js')]
  const { stdout } = await run(process.execPath, args, { env: { ...BARE, HOME: home } })
  expect(stdout).toMatch(/^200 /)
})
