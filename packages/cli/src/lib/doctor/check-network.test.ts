import type { SessionNetwork } from '@tailproxy/session/host'
import { expect, test } from 'vitest'
import { checkNetwork } from './check-network.ts'

const fine: SessionNetwork = {
  ...{ udp: true, ipv4: true, ipv6: true, natType: 'easy', controlMs: 12.4, clockSkewMs: 100 },
  relays: [
    { code: 'fra', name: 'Frankfurt', latencyMs: 9.96 },
    { code: 'ams', name: '', latencyMs: 14.2 },
  ],
}

function lineOf(name: string, seen: Partial<SessionNetwork>): string {
  const { controlMs, clockSkewMs, ...others } = { ...fine, ...seen }
  const defined = {
    ...others,
    ...(controlMs === undefined ? {} : { controlMs }),
    ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
  }
  const check = checkNetwork(defined as SessionNetwork).find((each) => each.name === name)
  return `${check?.status}: ${check?.found}`
}

test('is content with a good network', () => {
  expect(checkNetwork(fine).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
  expect(lineOf('relays', {})).toBe('ok: Frankfurt 10.0 ms, ams 14 ms')
})

test.for([
  ['control', { controlMs: undefined }, 'fail: the control server cannot be reached'],
  ['relays', { relays: [] }, 'warn: none answers'],
  ['relays', { relays: [], relayError: 'log in first' }, 'warn: log in first'],
  ['udp', { udp: false }, 'warn: no answer comes by UDP'],
  ['udp', { ipv6: false }, 'ok: works over IPv4'],
  ['nat', { natType: 'none' }, 'ok: this host has a public address'],
  ['nat', { natType: 'hard' }, 'warn: its mapping depends'],
  ['nat', { natType: 'hard', portMapping: 'UPnP' }, 'ok: its mapping depends'],
  ['nat', { natType: 'unknown', udp: false }, 'warn: not known'],
  ['clock', { clockSkewMs: 6_000 }, 'warn: 6 s ahead'],
  ['clock', { clockSkewMs: -3_600_000 }, 'fail: 3600 s behind'],
  ['clock', { clockSkewMs: undefined }, 'ok: not compared'],
] as const)('%s of %o is %s', ([name, seen, line]) => {
  expect(lineOf(name, structuredClone(seen) as Partial<SessionNetwork>)).toContain(line)
})

test('says what to do about whatever is not well', () => {
  const bad: SessionNetwork = {
    ...{ udp: false, ipv4: false, ipv6: false, natType: 'hard', relays: [], clockSkewMs: 70_000 },
  }
  for (const check of checkNetwork(bad)) expect(check.fix, check.name).toBeTruthy()
})
