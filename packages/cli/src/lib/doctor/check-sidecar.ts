import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { sidecarEnvironment } from '@tailproxy/session/host'
import { findSidecar, Sidecar } from '@tailproxy/sidecar'
import { describeDials } from '../describe-dials.ts'
import { type DoctorCheck, messageOf } from './doctor-check.ts'

/** Starts a sidecar to examine this host with; without a node. */
export async function startSidecar(checks: DoctorCheck[]): Promise<Sidecar | undefined> {
  const name = 'sidecar'
  try {
    const binary = findSidecar()
    const sidecar = await Sidecar.spawn({ binary, env: sidecarEnvironment(process.env) })
    const { version, tailscale } = sidecar.hello
    checks.push({ name, status: 'ok', found: `${binary}, ${version} (tailscale ${tailscale})` })
    return sidecar
  } catch (error) {
    checks.push({ name, status: 'fail', found: messageOf(error) })
    return undefined
  }
}

/** Which way captured programs connect, and why. */
export async function checkDials(sidecar: Sidecar): Promise<DoctorCheck> {
  const name = 'connections'
  const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-doctor-'))
  try {
    const dials = await sidecar.serveDials(path.join(directory, 'dial.sock'))
    const found = describeDials(dials).replace('connections: ', '')
    if (dials.tarpit === 'both') return { name, status: 'ok', found }
    const fix =
      'a non-blocking connect() that goes by SOCKS5 waits for its end, and datagrams are not carried'
    return { name, status: 'warn', found, ...(dials.tarpit === 'none' ? { fix } : {}) }
  } catch (error) {
    return { name, status: 'fail', found: messageOf(error) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
