import { expect, vi } from 'vitest'
import { EXIT_TAG } from '../support/headscale-settings.ts'
import { describeWithHeadscale, test } from '../support/tailnet.ts'

/** Milliseconds, far more than it takes. */
const PATIENCE = 30_000

const DEFAULT_ROUTES = ['0.0.0.0/0', '::/0']

describeWithHeadscale('exit nodes', () => {
  test('are used as soon as autoApprovers have approved them', async ({ tailnet }) => {
    const { headscale } = tailnet
    const { key } = await headscale.createKey({ reusable: true })
    await tailnet.exitNode('berlin', (await headscale.createKey({ tags: [EXIT_TAG] })).key)
    await vi.waitFor(async () => {
      const routes = (await headscale.node('berlin'))?.approved_routes
      expect(routes?.sort()).toEqual(DEFAULT_ROUTES)
    }, PATIENCE)
    const host = tailnet.host('traveller', { TAILPROXY_AUTHKEY: key })
    const fetched = await host.run(['--exit-node', 'berlin', 'curl', '-sS', 'http://198.51.100.7/'])
    const [own] = (await headscale.node('traveller'))?.ip_addresses ?? []
    expect(fetched).toMatchObject({
      status: 0,
      stdout: `berlin took ${own} to 198.51.100.7:80\n`,
    })
  })

  test('that nobody has approved are refused, with the reason', async ({ tailnet }) => {
    const { headscale } = tailnet
    const { key } = await headscale.createKey({ reusable: true })
    await tailnet.exitNode('rogue', key)
    await vi.waitFor(async () => {
      const node = await headscale.node('rogue')
      expect(node?.available_routes?.sort()).toEqual(DEFAULT_ROUTES)
      expect(node?.approved_routes ?? []).toEqual([])
    }, PATIENCE)
    const host = tailnet.host('careful', { TAILPROXY_AUTHKEY: key })
    const fetched = await host.run(['--exit-node', 'rogue', 'curl', '-sS', 'http://198.51.100.7/'])
    expect(fetched).toMatchObject({
      status: 125,
      stdout: '',
      stderr: expect.stringMatching(/^tailproxy: [^\n]*rogue[^\n]*approve[^\n]*\n$/),
    })
  })
})
