import { expect } from 'vitest'
import { bundledBytes } from '../support/bundle.ts'
import { test } from '../support/installed.ts'
import { libraries } from '../support/packages.ts'

/** One export of a door, and what part of the whole door it may bring into a bundle. */
const SMALL: [door: string, name: string, part: number][] = [
  ['@tailproxy/socks5', 'decodeGreeting', 0.15],
  ['@tailproxy/socks5', 'parseIpv6', 0.2],
  ['@tailproxy/socks5/client', 'getBoundAddress', 0.25],
  ['@tailproxy/control-protocol', 'describeLineError', 0.05],
  ['@tailproxy/port-filter', 'PortSpecError', 0.05],
  ['@tailproxy/exporter', 'ExporterOptionError', 0.05],
  ['@tailproxy/preload', 'withoutPreload', 0.15],
  ['@tailproxy/sidecar', 'errnoOf', 0.05],
  ['@tailproxy/session', 'DialError', 0.05],
]

test.for(libraries)('$name says that its modules have no effects', ({ manifest }) => {
  expect(manifest.sideEffects).toBe(false)
})

test.for(libraries.flatMap(({ doors }) => doors))(
  'a program that imports %s and uses nothing of it stays empty',
  async (door, { project }) => {
    expect(await bundledBytes(project, door, [])).toBeLessThan(50)
  },
)

test.for(SMALL)('%s brings no more than %s needs', async ([door, name, part], { project }) => {
  const [one, all] = await Promise.all([
    bundledBytes(project, door, [name]),
    bundledBytes(project, door, 'all'),
  ])
  expect(one / all, `${one} of ${all} bytes`).toBeLessThan(part)
})
