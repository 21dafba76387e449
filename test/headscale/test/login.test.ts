import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { OWN_TAG } from '../support/headscale-settings.ts'
import { describeWithHeadscale, test } from '../support/tailnet.ts'

describeWithHeadscale('login', () => {
  test('logs in with the pre-auth key of a file, and needs none again', async ({ tailnet }) => {
    const { headscale } = tailnet
    const host = tailnet.host('filed')
    const file = path.join(host.directory, 'key')
    writeFileSync(file, `${(await headscale.createKey()).key}\n`, { mode: 0o600 })
    const up = await host.run(['--authkey', `file:${file}`, 'up'])
    const node = await headscale.node('filed')
    expect(up).toMatchObject({
      status: 0,
      stdout: `${headscale.nameOf('filed')} is up as ${node?.ip_addresses.join(', ')}\n`,
    })
    expect(node).toMatchObject({ online: true, user: { name: 'alice' } })
    await host.run(['down'])
    expect(await host.run(['up'])).toMatchObject({ status: 0, stdout: up.stdout })
    expect(await headscale.node('filed')).toMatchObject({ id: node?.id, online: true })
  })

  test('logs in with the key in TAILPROXY_AUTHKEY, which no program sees', async ({ tailnet }) => {
    const { key } = await tailnet.headscale.createKey()
    const host = tailnet.host('variable', { TAILPROXY_AUTHKEY: key })
    const { status, stdout } = await host.run(['env'])
    expect(status).toBe(0)
    expect(stdout).not.toContain(key)
    expect(host.log()).not.toContain(key)
    expect(await tailnet.headscale.node('variable')).toMatchObject({ online: true })
  })

  test('says that a key is wrong, and does not say the key', async ({ tailnet }) => {
    const { key } = await tailnet.headscale.createKey()
    const wrong = `${key.slice(0, -4)}0000`
    const host = tailnet.host('wrong', { TAILPROXY_AUTHKEY: wrong })
    const { status, stdout, stderr } = await host.run(['up'])
    expect({ status, stdout, stderr }).toEqual({
      status: 13,
      stdout: '',
      stderr: expect.stringMatching(/^tailproxy: the control server refused [^\n]+\n$/),
    })
    expect(stderr).not.toContain(wrong)
    expect(await tailnet.headscale.node('wrong')).toBeUndefined()
  })

  test('says that a key was used already', async ({ tailnet }) => {
    const { key } = await tailnet.headscale.createKey()
    const env = { TAILPROXY_AUTHKEY: key }
    expect(await tailnet.host('first', env).run(['true'])).toMatchObject({ status: 0 })
    expect(await tailnet.host('second', env).run(['true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^tailproxy: [^\n]*authkey already used[^\n]*\n$/),
    })
  })

  test('says that a key has expired', async ({ tailnet }) => {
    const { id, key } = await tailnet.headscale.createKey({ reusable: true })
    await tailnet.headscale.run('preauthkeys', 'expire', '--id', String(id))
    const host = tailnet.host('late', { TAILPROXY_AUTHKEY: key })
    expect(await host.run(['true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^tailproxy: [^\n]*authkey expired[^\n]*\n$/),
    })
  })

  test('shows where to log in, and goes on when headscale has registered the node', async ({
    tailnet,
  }) => {
    const { headscale } = tailnet
    const host = tailnet.host('asked')
    const up = host.start(['up'])
    const [, url = ''] = await up.warns(/to log this node in, open (\S+)\n/)
    expect(url.startsWith(`${headscale.url}/register/`)).toBe(true)
    expect(await (await fetch(url)).text()).toContain('headscale auth register')
    await headscale.register(path.basename(url))
    expect(await up.finished).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(headscale.nameOf('asked')),
    })
    expect(await headscale.node('asked')).toMatchObject({ online: true })
  })

  test('takes the tags of the key', async ({ tailnet }) => {
    const { key } = await tailnet.headscale.createKey({ tags: [OWN_TAG] })
    await tailnet.host('tagged', { TAILPROXY_AUTHKEY: key }).run(['true'])
    expect(await tailnet.headscale.node('tagged')).toMatchObject({ tags: [OWN_TAG] })
  })

  test('asks for tags of its own, which its user may give', async ({ tailnet }) => {
    const { headscale } = tailnet
    const host = tailnet.host('asking', { TAILPROXY_ADVERTISE_TAGS: OWN_TAG })
    const up = host.start(['up'])
    const [, url = ''] = await up.warns(/to log this node in, open (\S+)\n/)
    await headscale.register(path.basename(url))
    expect(await up.finished).toMatchObject({ status: 0 })
    expect(await headscale.node('asking')).toMatchObject({ tags: [OWN_TAG] })
  })

  test('says that a key does not allow tags but its own', async ({ tailnet }) => {
    const { key } = await tailnet.headscale.createKey()
    const env = { TAILPROXY_AUTHKEY: key, TAILPROXY_ADVERTISE_TAGS: OWN_TAG }
    expect(await tailnet.host('presuming', env).run(['true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^tailproxy: [^\n]*tag:ci[^\n]*not permitted[^\n]*\n$/),
    })
  })
})
