import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/tailnet.ts'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-settings-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function configuration(name: string, content: string): string {
  const file = path.join(scratch, name)
  writeFileSync(file, content)
  return file
}

test.skipIf(lacks('curl'))(
  named('-verbose tells the node, the peer that answered and the time', 'curl'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const { stdout, stderr } = await tailproxy.run(['-verbose', 'curl', '-sS', 'http://hello/'])
    expect(stdout).not.toContain('tailproxy:')
    expect(stderr).toMatch(/^tailproxy: node: client-\d+\.\S+ is up as 100\.\S+, fd7a:\S+;/m)
    expect(stderr).toMatch(
      new RegExp(`answered by ${hello.name.replaceAll('.', '\\.')}, connected in \\d+ ms`),
    )
  },
)

test.skipIf(lacks('curl'))(
  named('-hostname is the name that peers see', 'curl'),
  async ({ tailnet: { tailproxy } }) => {
    const { stdout } = await tailproxy.run(['-hostname=visitor', 'curl', '-sS', 'http://hello/'])
    expect(stdout).toContain('visitor')
  },
)

test.skipIf(lacks('curl'))(
  named('-config is read, and a flag goes before it', 'curl'),
  async ({ tailnet: { tailproxy } }) => {
    const file = configuration('good.json', '{\n  // mine\n  "hostname": "from-file",\n}\n')
    const env = { TAILPROXY_HOSTNAME: '' }
    const byFile = await tailproxy.run(['-config', file, 'curl', '-sS', 'http://hello/'], { env })
    expect(byFile.stdout).toContain('from-file')
    const byFlag = await tailproxy.run(
      [`-config=${file}`, '-hostname=from-flag', 'curl', '-sS', 'http://hello/'],
      { env },
    )
    expect(byFlag.stdout).toContain('from-flag')
  },
)

test.skipIf(lacks('curl'))(
  named('a profile is a node of its own, with settings and state of its own', 'curl'),
  async ({ tailnet: { tailproxy } }) => {
    const home = path.join(scratch, 'home')
    const profiles = path.join(home, 'config/tailproxy/profiles')
    mkdirSync(profiles, { recursive: true })
    writeFileSync(path.join(profiles, 'work.json'), '{"hostname": "of-profile"}')
    const env = {
      ...{ TAILPROXY_CONFIG: '', TAILPROXY_HOSTNAME: '', TAILPROXY_STATE_DIR: '' },
      XDG_CONFIG_HOME: path.join(home, 'config'),
      XDG_STATE_HOME: path.join(home, 'state'),
    }
    expect(await tailproxy.run(['profile', 'use', 'work'], { env })).toMatchObject({ status: 0 })
    const { stdout } = await tailproxy.run(['curl', '-sS', 'http://hello/'], { env })
    expect(stdout).toContain('of-profile')
    const [state, ...others] = readdirSync(path.join(home, 'state/tailproxy/profiles'))
    expect(state).toMatch(/^work@http-127\.0\.0\.1-\d+$/)
    expect(others).toEqual([])
  },
)

describe('a configuration file that cannot be used stops with 125 and', () => {
  test.for([
    [
      'names the file that is missing',
      undefined,
      /cannot read .*missing.json: there is no such file/,
    ],
    ['names line and column of bad JSON', '{\n  "hostname": ]', /bad.json: .* line 2, column 15/],
    [
      'names key, value and what is allowed',
      '{"proxy_port": 70000}',
      /"proxy_port" is 70000; allowed is a port from 1 to 65535/,
    ],
    [
      'names the nearest key',
      '{"host_name": "x"}',
      /unknown key "host_name"; did you mean "hostname"\?/,
    ],
    ['does not drop an exit node in silence', '{"exit_node": "us"}', /there is no node "us"/],
  ] as const)('%s', async ([, content, message], { tailnet: { tailproxy } }) => {
    const file =
      content === undefined
        ? path.join(scratch, 'missing.json')
        : configuration('bad.json', content)
    const { status, stderr } = await tailproxy.run(['-config', file, 'true'])
    expect(status).toBe(125)
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('a state directory is refused', () => {
  test('when others can read it', async ({ tailnet: { tailproxy } }) => {
    const state = path.join(scratch, 'readable')
    mkdirSync(state)
    chmodSync(state, 0o755)
    const { status, stderr } = await tailproxy.run(['--state-dir', state, 'true'])
    expect(status).toBe(125)
    expect(stderr).toContain('can be read by others (mode 0755)')
  })

  test('while another session uses it, whose pid is said', async ({ tailnet: { tailproxy } }) => {
    const state = path.join(scratch, 'shared')
    const holder = tailproxy.start(['--state-dir', state, 'sh', '-c', 'echo up; exec sleep 600'])
    await holder.says(/up/)
    const { status, stderr } = await tailproxy.run(['--state-dir', state, 'true'])
    expect(status).toBe(125)
    expect(stderr).toContain(`process ${holder.child.pid}`)
    holder.child.kill('SIGTERM')
    await holder.finished
  })
})

test('a wrong flag stops with 125 and the nearest one', async ({ tailnet: { tailproxy } }) => {
  expect(await tailproxy.run(['-hostnam=x', 'true'])).toMatchObject({
    status: 125,
    stderr: 'tailproxy: unknown flag -hostnam; did you mean --hostname?\n',
  })
})

test('--udp takes proxy, block and direct, and no other', async ({ tailnet: { tailproxy } }) => {
  expect(await tailproxy.run(['--udp=drop', 'true'])).toMatchObject({
    status: 125,
    stderr: 'tailproxy: --udp is "drop"; allowed is proxy, block or direct\n',
  })
  expect(await tailproxy.run(['true'], { env: { TAILPROXY_UDP: 'block' } })).toMatchObject({
    status: 0,
    stderr: '',
  })
})
