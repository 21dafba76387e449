import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { expect, onTestFinished } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/profile.ts'

test('tells what works on this host and around it', async ({ profile }) => {
  const { status, stdout, stderr } = await profile.run(['doctor', 'sh'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^ok {4}connections +by the dial socket/m)
  expect(stdout).toMatch(/ +io_uring +/)
  expect(stdout).toMatch(/^ok {4}control +the control server answers in [\d.]+ ms$/m)
  expect(stdout).toMatch(/^ok {4}relays +\S.* ms$/m)
  expect(stdout).toMatch(/^ok {4}clock +agrees with the control server's$/m)
  expect(stdout).toMatch(/^ok {4}sh +\S+\/sh is captured/m)
})

test('tells that the control server is not there', async ({ profile }) => {
  const env = { TAILPROXY_CONTROL_URL: 'http://127.0.0.1:1/' }
  const { status, stdout } = await profile.run(['doctor'], { env })
  expect(status).toBe(1)
  expect(stdout).toMatch(/^FAIL {2}control +the control server cannot be reached/m)
})

test('reports what happens in a session, and not whose it is', async ({ profile, tailnet }) => {
  await profile.run(['up'])
  const { stdout: shown } = await profile.run(['status', '--json'])
  const { node } = JSON.parse(shown).sidecar
  const env = { HOME: profile.directory }
  const { stdout } = await profile.run(['doctor', '--report'], { env })
  expect(stdout).toMatch(/^## session\n\nsession +running/m)
  expect(stdout).toMatch(/^## log\n\n\S+Z .*running/m)
  const words = [node.name, node.hostname, ...node.addresses, tailnet.hello.name, profile.directory]
  for (const word of [...words, process.env['USER'] || 'nobody at all']) {
    expect(stdout).not.toContain(word)
  }
})

test.skipIf(lacks('cc'))(
  named('tells that a static program is not captured', 'cc'),
  async ({ profile }) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-doctor-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const [source, program] = [path.join(directory, 'main.c'), path.join(directory, 'main')]
    writeFileSync(source, 'int main(void) { return 0; }\n')
    execFileSync('cc', ['-static', '-o', program, source])
    const { status, stdout } = await profile.run(['doctor', program])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^FAIL .*static/m)
  },
)
