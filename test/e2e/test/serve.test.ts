import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { expect, vi } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/tailnet.ts'
import { isRunning, type Running, sidecarOf, start } from '../support/tailproxy.ts'

interface Served {
  address: string
  user: string
  password: string
}

async function served(running: Running): Promise<Served> {
  const [line] = await running.says(/^\{.*\}$/m)
  return JSON.parse(line) as Served
}

const curl = (proxy: string, url: string) => start('curl', ['-sS', '--proxy', proxy, url]).finished

test.skipIf(lacks('curl'))(
  named('without a command SOCKS5 is served until it is interrupted', 'curl'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const running = tailproxy.start(['--json'])
    const { address, user, password } = await served(running)
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(user).toBe('tsnet')
    expect(password).toMatch(/^[0-9a-f]{32}$/)

    for (const host of ['hello', hello.name, hello.ipv4, `[${hello.ipv6}]`]) {
      const { status, stdout } = await curl(
        `socks5h://${user}:${password}@${address}`,
        `http://${host}/`,
      )
      expect({ host, status }).toEqual({ host, status: 0 })
      expect(stdout).toContain(hello.name)
    }

    const sidecar = sidecarOf(running.child.pid as number)
    running.child.kill('SIGINT')
    expect(await running.finished).toMatchObject({ signal: 'SIGINT', stderr: '' })
    await vi.waitFor(() => expect(isRunning(sidecar)).toBe(false))
  },
)

test.skipIf(lacks('curl'))(
  named('who has not the credential is refused, whatever part is wrong', 'curl'),
  async ({ tailnet: { tailproxy } }) => {
    const running = tailproxy.start(['--json'])
    const { address, user, password } = await served(running)
    const answers = await Promise.all(
      [`${user}:${'0'.repeat(32)}@`, `nobody:${password}@`, ''].map((who) =>
        curl(`socks5h://${who}${address}`, 'http://hello/'),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([97, 97, 97])
    expect(answers[0]?.stderr).toBe(answers[1]?.stderr)
    running.child.kill('SIGTERM')
    await running.finished
  },
)

test('what is printed for people can be pasted', async ({ tailnet: { tailproxy } }) => {
  const running = tailproxy.start([])
  const [, example] = await running.says(/curl --proxy (socks5h:\S+) http/)
  expect(example).toMatch(/^socks5h:\/\/tsnet:[0-9a-f]{32}@127\.0\.0\.1:\d+$/)
  running.child.kill('SIGTERM')
  expect(await running.finished).toMatchObject({ signal: 'SIGTERM' })
})

test('-port is served, and refused when it is taken', async ({ tailnet: { tailproxy } }) => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  const refused = await tailproxy.run([`-port=${port}`])
  expect(refused.status).toBe(125)
  expect(refused.stderr).toContain(`127.0.0.1:${port}`)
  holder.close()
  await once(holder, 'close')
  const running = tailproxy.start(['-port', String(port), '--json'])
  expect((await served(running)).address).toBe(`127.0.0.1:${port}`)
  running.child.kill('SIGTERM')
  await running.finished
})
