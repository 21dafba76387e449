import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { childrenOf, isRunning, start, TAILPROXY } from '../support/tailproxy.ts'

test.skipIf(lacks('curl'))(
  named('lab run runs a command on a tailnet of its own and takes it down', 'curl'),
  async () => {
    const temporary = mkdtempSync(path.join(tmpdir(), 'tailproxy-e2e-'))
    const { status, stdout, stderr } = await start(
      TAILPROXY,
      ['lab', 'run', '--', 'curl', '-sS', 'http://hello/'],
      { env: { TMPDIR: temporary } },
    ).finished
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('hello.')
    expect(readdirSync(temporary)).toEqual([])
    rmSync(temporary, { recursive: true })
  },
)

test.skipIf(lacks('curl'))(
  named('inside lab run, tailproxy is on PATH and joins', 'curl'),
  async () => {
    const script = 'tailproxy curl -sS http://hello/ && echo "$TAILPROXY_CONTROL_URL"'
    const { status, stdout, stderr } = await start(TAILPROXY, ['lab', 'run', 'sh', '-c', script])
      .finished
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/hello\.[\s\S]*http:\/\/127\.0\.0\.1:\d+\n$/)
  },
)

test.skipIf(lacks('curl'))(
  named('lab prints its control server, which other commands can use', 'curl'),
  async () => {
    const state = mkdtempSync(path.join(tmpdir(), 'tailproxy-e2e-'))
    const lab = start(TAILPROXY, ['lab'])
    const [, url] = await lab.says(/export TAILPROXY_CONTROL_URL=(\S+)/)
    const { status, stdout } = await start(TAILPROXY, ['curl', '-sS', 'http://hello/'], {
      env: { TAILPROXY_CONTROL_URL: url, XDG_STATE_HOME: state, TAILPROXY_FOREGROUND: '1' },
    }).finished
    expect(status).toBe(0)
    expect(stdout).toContain('hello.')
    const children = childrenOf(lab.child.pid as number)
    expect(children).not.toEqual([])
    lab.child.kill('SIGINT')
    expect(await lab.finished).toMatchObject({ signal: 'SIGINT' })
    await vi.waitFor(() => expect(children.filter(isRunning)).toEqual([]))
    rmSync(state, { recursive: true })
  },
)

test.skipIf(lacks('curl')).for([[], ['--only-tailnet']])(
  named('a lab inside a lab is another one, with %j too', 'curl'),
  async (flags) => {
    const inner = ['tailproxy', 'lab', 'run', '--', 'curl', '-sS', 'http://hello/']
    const { status, stdout, stderr } = await start(TAILPROXY, [
      ...flags,
      'lab',
      'run',
      '--',
      ...inner,
    ]).finished
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('hello.')
  },
)

test('lab run gives the status of its command', async () => {
  expect(await start(TAILPROXY, ['lab', 'run', '--', 'sh', '-c', 'exit 9']).finished).toMatchObject(
    { status: 9, stderr: '' },
  )
})
