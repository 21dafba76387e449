import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { ROOT } from '../support/platform-packages.ts'

test('what an installation weighs is within its limits', () => {
  const script = path.join(ROOT, 'scripts/check-sizes.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  console.log(stdout)
  expect(status, stdout + stderr).toBe(0)
})
