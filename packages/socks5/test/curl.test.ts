import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { compareCredentials, type SocksAddress } from '@tailproxy/socks5'
import { connectSocks5 } from '@tailproxy/socks5/client'
import { createSocks5Server, type Socks5ServerOptions } from '@tailproxy/socks5/server'
import { test as base, expect } from 'vitest'

// Conformance: a client that others wrote, against the package by its public doors.

const run = promisify(execFile)
const stored = { username: 'tsnet', password: 's3cret' }

function hasCurl(): boolean {
  try {
    return execFileSync('curl', ['--version'], { encoding: 'utf8' }).startsWith('curl')
  } catch {
    return false
  }
}

interface Fixtures {
  web: { port: number }
  startProxy: (options?: Socks5ServerOptions) => Promise<SocksAddress>
}

const test = base.extend<Fixtures>({
  web: async ({}, use) => {
    const server = createServer(async (request, response) => {
      let length = 0
      for await (const chunk of request) length += chunk.length
      response.end(`${request.method} ${request.headers.host?.split(':')[0]} ${length}`)
    })
    server.listen({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    await use(server.address() as { port: number })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  },
  startProxy: async ({}, use) => {
    const proxies: ReturnType<typeof createSocks5Server>[] = []
    await use((options) => {
      const proxy = createSocks5Server(options)
      proxies.push(proxy)
      return proxy.listen()
    })
    await Promise.all(proxies.map((proxy) => proxy.close({ immediate: true })))
  },
})

/** Runs curl without configuration files; the proxy is all it gets. */
function curl(proxy: string, ...args: readonly string[]) {
  const env = { PATH: process.env['PATH'] ?? '' }
  return run('curl', ['-q', '-sS', '--max-time', '10', '--proxy', proxy, ...args], { env })
}

test.skipIf(!hasCurl())('curl gets a page by name', async ({ startProxy, web }) => {
  const { port } = await startProxy({ resolve: async () => ['127.0.0.1'] })
  const { stdout } = await curl(`socks5h://127.0.0.1:${port}`, `http://hello.lab:${web.port}/`)
  expect(stdout).toBe('GET hello.lab 0')
})

test.skipIf(!hasCurl())('curl gets a page by address', async ({ startProxy, web }) => {
  const { port } = await startProxy()
  const { stdout } = await curl(`socks5://127.0.0.1:${port}`, `http://127.0.0.1:${web.port}/`)
  expect(stdout).toBe('GET 127.0.0.1 0')
})

test.skipIf(!hasCurl())('curl authenticates', async ({ startProxy, web }) => {
  const { port } = await startProxy({
    authenticate: (given) => compareCredentials(given, stored),
  })
  const url = `http://127.0.0.1:${web.port}/`
  const { stdout } = await curl(`socks5h://tsnet:s3cret@127.0.0.1:${port}`, url)
  expect(stdout).toBe('GET 127.0.0.1 0')
  // 97 is CURLE_PROXY.
  for (const wrong of ['tsnet:guess@', 'root:s3cret@', 'tsnet:@', '']) {
    await expect(curl(`socks5h://${wrong}127.0.0.1:${port}`, url)).rejects.toMatchObject({
      code: 97,
    })
  }
})

test.skipIf(!hasCurl())('curl posts through two proxies', async ({ startProxy, web }) => {
  const second = await startProxy({ resolve: async () => ['127.0.0.1'] })
  const first = await startProxy({
    dial: (destination, { signal }) =>
      connectSocks5({ proxy: second, destination, allowHalfOpen: true, signal }),
  })
  const { stdout } = await curl(
    `socks5h://127.0.0.1:${first.port}`,
    ...['--data-binary', 'x'.repeat(100_000)],
    `http://hello.lab:${web.port}/`,
  )
  expect(stdout).toBe('POST hello.lab 100000')
})

test.skipIf(!hasCurl())('curl is told what went wrong', async ({ startProxy }) => {
  const { port } = await startProxy({ rules: () => ({ allow: false, reason: 'no' }) })
  const refused = curl(`socks5h://127.0.0.1:${port}`, 'http://hello.lab/')
  await expect(refused).rejects.toMatchObject({ stderr: expect.stringMatching(/\(2\)/) })
})
