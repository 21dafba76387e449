import { expect, vi } from 'vitest'
import { describeWithHeadscale, test } from '../support/tailnet.ts'

/** Milliseconds, far more than it takes. */
const PATIENCE = 30_000

describeWithHeadscale('nodes', () => {
  test('reach each other by name, and the one that serves knows who came', async ({ tailnet }) => {
    const { headscale } = tailnet
    const { key } = await headscale.createKey({ reusable: true })
    const server = tailnet.host('server', { TAILPROXY_AUTHKEY: key })
    const client = tailnet.host('client', { TAILPROXY_AUTHKEY: key })
    const serving = server.start(['--export-listeners', 'node', '--eval', SERVE_CALLER])
    await serving.says(/ready/)
    await client.run(['up'])
    const own = (await headscale.node('client'))?.ip_addresses
    for (const name of ['server', headscale.nameOf('server')]) {
      const fetched = await client.run(['curl', '-sS', `http://${name}:8000/`])
      expect(fetched).toMatchObject({ status: 0, stderr: '' })
      expect(own).toContain(fetched.stdout.replace('::ffff:', ''))
    }
  })

  test('that are ephemeral are gone from headscale when their session is down', async ({
    tailnet,
  }) => {
    const { headscale } = tailnet
    const { key } = await headscale.createKey({ ephemeral: true })
    const env = { TAILPROXY_AUTHKEY: key, TAILPROXY_EPHEMERAL: 'true' }
    const host = tailnet.host('fleeting', env)
    await host.run(['up'])
    expect(await headscale.node('fleeting')).toMatchObject({ online: true })
    expect(await host.run(['down'])).toMatchObject({ status: 0, stderr: '' })
    expect(await headscale.node('fleeting')).toBeUndefined()
  })

  test('that are ephemeral with an ordinary key are logged out, and stay', async ({ tailnet }) => {
    const { headscale } = tailnet
    const { key } = await headscale.createKey()
    const env = { TAILPROXY_AUTHKEY: key, TAILPROXY_EPHEMERAL: 'true' }
    const host = tailnet.host('leaving', env)
    await host.run(['up'])
    await host.run(['down'])
    const { expiry } = (await headscale.node('leaving')) ?? {}
    expect(expiry?.seconds).toBeLessThanOrEqual(Date.now() / 1000)
  })

  test('that are not ephemeral stay, offline, with their login', async ({ tailnet }) => {
    const { headscale } = tailnet
    const { key } = await headscale.createKey()
    const host = tailnet.host('lasting', { TAILPROXY_AUTHKEY: key })
    await host.run(['up'])
    await host.run(['down'])
    await vi.waitFor(
      async () => expect((await headscale.node('lasting'))?.online ?? false).toBe(false),
      PATIENCE,
    )
    expect((await headscale.node('lasting'))?.expiry).toBeUndefined()
  })

  test('whose key headscale has expired are told to log in again', async ({ tailnet }) => {
    const { headscale } = tailnet
    const { key } = await headscale.createKey()
    const host = tailnet.host('expiring', { TAILPROXY_AUTHKEY: key })
    await host.run(['up'])
    const node = await headscale.node('expiring')
    await headscale.run('nodes', 'expire', '--identifier', String(node?.id))
    await vi.waitFor(async () => {
      const { stdout } = await host.run(['status', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ state: 'needs-login' })
    }, PATIENCE)
  })
})

/** An HTTP server that answers with the address of who asks. */
const SERVE_CALLER = `
require('node:http')
  .createServer((request, response) => response.end(request.socket.remoteAddress))
  .listen(8000, () => console.log('ready'))
`
