import { expect, vi } from 'vitest'
import { test as base, type Profile } from '../support/profile.ts'
import type { Running } from '../support/tailproxy.ts'

/** An address that only the lab's exit nodes reach (RFC 5737). */
const OUTSIDE = 'http://198.51.100.1'
const PATIENCE = { timeout: 30_000, interval: 50 }
/** curl's statuses for a connection that breaks while it reads. */
const BROKEN = [18, 56]

const test = base.extend<{ second: undefined }>({
  second: async ({ tailnet: { lab } }, use) => {
    await lab.addNode('second', [], { exitNode: 'approved' })
    await use(undefined)
    await lab.removeNode('second')
  },
})

/** A download that would take minutes; resolves when its first bytes have come. */
async function startDownload(profile: Profile, host: string): Promise<Running> {
  const url = `${host}/bytes/1000000000`
  const download = profile.start(['curl', '-sN', '--limit-rate', '3M', url])
  await vi.waitFor(() => expect(download.output.stdout.length).toBeGreaterThan(0), PATIENCE)
  return download
}

const curl = (profile: Profile, url: string) =>
  profile.run(['--only-tailnet', 'curl', '-sS', '-m', '20', url])

test('a download by an exit node ends when another one is chosen, and the next goes by that', async ({
  profile,
  second: _,
}) => {
  await profile.run(['exit-node', 'set', 'exit'])
  const inside = await startDownload(profile, 'http://hello')
  const download = await startDownload(profile, OUTSIDE)
  expect(await profile.run(['exit-node', 'set', 'second'])).toMatchObject({ status: 0 })
  const { status } = await download.finished
  expect(BROKEN).toContain(status)
  expect((await curl(profile, `${OUTSIDE}/`)).stdout).toContain('second')
  // What does not go by it is not touched.
  const before = inside.output.stdout.length
  await vi.waitFor(() => expect(inside.output.stdout.length).toBeGreaterThan(before), PATIENCE)
  inside.child.kill('SIGTERM')
  await inside.finished
})

test('when the exit node dies the next of the list takes over, and with no other nothing goes out', async ({
  profile,
  tailnet: { lab },
}) => {
  await lab.addNode('first', [], { exitNode: 'approved' })
  await lab.addNode('next', [], { exitNode: 'approved' })
  await profile.run(['exit-node', 'set', 'first,next'])
  expect((await curl(profile, `${OUTSIDE}/`)).stdout).toContain('first')
  const download = await startDownload(profile, OUTSIDE)
  await lab.removeNode('first', { offline: true })
  expect(BROKEN).toContain((await download.finished).status)
  await vi.waitFor(async () => {
    expect((await curl(profile, `${OUTSIDE}/`)).stdout).toContain('next')
  }, PATIENCE)
  await lab.removeNode('next', { offline: true })
  await vi.waitFor(async () => {
    const { stdout } = await profile.run(['exit-node', 'ls', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ exitNode: { state: 'down' } })
  }, PATIENCE)
  const { status, stdout } = await curl(profile, `${OUTSIDE}/`)
  expect([status === 0, stdout]).toEqual([false, ''])
  // The tailnet itself needs no exit node.
  expect((await curl(profile, 'http://hello/')).stdout).toContain('Hello')
})

test('without the control server what runs goes on, and peers that are known are reached', async ({
  profile,
  tailnet: { lab, hello },
}) => {
  const download = await startDownload(profile, 'http://hello')
  await lab.stopControl()
  try {
    const before = download.output.stdout.length
    for (const host of ['hello', hello.ipv4, `[${hello.ipv6}]`]) {
      expect((await curl(profile, `http://${host}/`)).stdout).toContain('Hello')
    }
    await vi.waitFor(() => expect(download.output.stdout.length).toBeGreaterThan(before), PATIENCE)
    expect((await profile.run(['status'])).status).toBe(0)
  } finally {
    await lab.startControl()
  }
  download.child.kill('SIGTERM')
  await download.finished
  expect((await curl(profile, 'http://hello/')).stdout).toContain('Hello')
})
