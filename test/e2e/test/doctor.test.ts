import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { start, TAILPROXY } from '../support/tailproxy.ts'

test('tells which way connections take on this host', async () => {
  const { status, stdout, stderr } = await start(TAILPROXY, ['doctor', 'sh']).finished
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^ok {4}connections +by the dial socket/m)
  expect(stdout).toMatch(/ +io_uring +/)
  expect(stdout).toMatch(/^ok {4}sh +\S+\/sh is captured/m)
})

test.skipIf(lacks('cc'))(named('tells that a static program is not captured', 'cc'), async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-doctor-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const [source, program] = [path.join(directory, 'main.c'), path.join(directory, 'main')]
  writeFileSync(source, 'int main(void) { return 0; }\n')
  execFileSync('cc', ['-static', '-o', program, source])
  const { status, stdout } = await start(TAILPROXY, ['doctor', program]).finished
  expect(status).toBe(1)
  expect(stdout).toMatch(/^FAIL .*static/m)
})
