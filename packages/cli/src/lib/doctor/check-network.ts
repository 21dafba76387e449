import type { SessionNetwork } from '@tailproxy/session/host'
import type { DoctorCheck } from './doctor-check.ts'

/** Milliseconds: a control server refuses what seems to be signed long ago, or later than now. */
const WRONG_CLOCK = 60_000
const SKEWED_CLOCK = 5_000
/** Relays that are shown. */
const MOST_RELAYS = 3

/** What a look at the network says, each with what to do when it is not well. */
export function checkNetwork(seen: SessionNetwork): DoctorCheck[] {
  return [checkControl(seen), checkRelays(seen), checkUdp(seen), checkNat(seen), checkClock(seen)]
}

function checkControl({ controlMs, controlError }: SessionNetwork): DoctorCheck {
  const name = 'control'
  if (controlMs !== undefined) {
    return { name, status: 'ok', found: `the control server answers in ${shown(controlMs)}` }
  }
  const found = `the control server cannot be reached${controlError ? `: ${controlError}` : ''}`
  const fix = 'check --control-url, and that this host may open HTTPS connections to it'
  return { name, status: 'fail', found, fix }
}

function checkRelays({ relays, relayError }: SessionNetwork): DoctorCheck {
  const name = 'relays'
  const near = relays.slice(0, MOST_RELAYS)
  if (near.length > 0) {
    const found = near.map(({ name: at, code, latencyMs }) => `${at || code} ${shown(latencyMs)}`)
    return { name, status: 'ok', found: found.join(', ') }
  }
  const found = relayError || 'none answers'
  const fix =
    'peers that cannot be reached directly are reached by relays; let UDP 3478 and HTTPS out'
  return { name, status: 'warn', found, fix }
}

function checkUdp({ udp, ipv4, ipv6 }: SessionNetwork): DoctorCheck {
  const name = 'udp'
  const families = [...(ipv4 ? ['IPv4'] : []), ...(ipv6 ? ['IPv6'] : [])].join(' and ')
  if (udp) return { name, status: 'ok', found: families ? `works over ${families}` : 'works' }
  const found = 'no answer comes by UDP; all traffic goes by relays, over HTTPS'
  return {
    name,
    status: 'warn',
    found,
    fix: 'let UDP out, from any port to any; 3478 to the relays',
  }
}

function checkNat({ natType, portMapping, udp }: SessionNetwork): DoctorCheck {
  const name = 'nat'
  const mapped = portMapping ? `; the router maps ports (${portMapping})` : ''
  switch (natType) {
    case 'none':
      return { name, status: 'ok', found: `this host has a public address${mapped}` }
    case 'easy':
      return { name, status: 'ok', found: `direct paths come about through it${mapped}` }
    case 'hard': {
      const found = `its mapping depends on the destination: direct paths are rare${mapped}`
      const fix = 'let the router map ports (UPnP, NAT-PMP or PCP), or use IPv6'
      return { name, status: portMapping ? 'ok' : 'warn', found, ...(portMapping ? {} : { fix }) }
    }
    default: {
      const found = 'not known: too few relays have answered'
      return { name, status: udp ? 'ok' : 'warn', found }
    }
  }
}

function checkClock({ clockSkewMs }: SessionNetwork): DoctorCheck {
  const name = 'clock'
  if (clockSkewMs === undefined) {
    return { name, status: 'ok', found: 'not compared: the control server says no time' }
  }
  const off = Math.abs(clockSkewMs)
  if (off < SKEWED_CLOCK) return { name, status: 'ok', found: "agrees with the control server's" }
  const found = `${Math.round(off / 1_000)} s ${clockSkewMs > 0 ? 'ahead' : 'behind'}`
  const fix = 'set it: timedatectl set-ntp true'
  return { name, status: off < WRONG_CLOCK ? 'warn' : 'fail', found, fix }
}

function shown(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`
}
