import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DRIVER_VERSION } from './version.ts'

test('the driver calls itself what its package is', () => {
  const file = new URL('../../package.json', import.meta.url)
  expect(DRIVER_VERSION).toBe(JSON.parse(readFileSync(file, 'utf8')).version)
})
