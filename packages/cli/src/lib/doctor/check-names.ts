import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { DoctorCheck } from './doctor-check.ts'

const name = 'names'
const TAILSCALE = 'https://controlplane.tailscale.com'
/** Milliseconds after which programs begin to look stuck. */
const SLOW = 1_000

/** Whether this host finds the control server's name: without that no node comes up. */
export async function checkNames(controlUrl: string): Promise<DoctorCheck> {
  const host = new URL(controlUrl || TAILSCALE).hostname.replace(/^\[|\]$/g, '')
  if (isIP(host)) return { name, status: 'ok', found: `${host} needs no lookup` }
  const start = performance.now()
  try {
    const { address } = await lookup(host)
    const took = Math.round(performance.now() - start)
    const found = `${host} is ${address}, found in ${took} ms`
    if (took < SLOW) return { name, status: 'ok', found }
    return {
      name,
      status: 'warn',
      found,
      fix: 'the first resolver in /etc/resolv.conf may be down',
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const fix = 'look at /etc/resolv.conf, and whether this host is on a network'
    return { name, status: 'fail', found: `${host} is not found (${code})`, fix }
  }
}
