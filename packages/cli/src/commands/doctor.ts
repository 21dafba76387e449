import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { findLibrary, placeLibrary } from '@tailproxy/preload'
import { sidecarEnvironment } from '@tailproxy/session/host'
import { findSidecar, Sidecar } from '@tailproxy/sidecar'
import { checkIoUring } from '../lib/check-io-uring.ts'
import { checkProgram } from '../lib/check-program.ts'
import { describeDials } from '../lib/describe-dials.ts'
import { type DoctorCheck, describeChecks } from '../lib/doctor-check.ts'
import type { ChildExit } from '../lib/run-child.ts'

/** What a doctor that found something broken exits with. */
const UNWELL = 1

/** `tailproxy doctor [COMMAND…]`: what works on this host, and whether commands would be captured. */
export async function doctor(
  commands: readonly string[],
  { json }: { json: boolean },
): Promise<ChildExit> {
  const checks: DoctorCheck[] = [checkLibrary()]
  const sidecar = await startSidecar(checks)
  try {
    if (sidecar) checks.push(await checkDials(sidecar))
    checks.push(checkIoUring())
    for (const command of commands) {
      checks.push(await checkProgram(command, sidecar, process.env))
    }
  } finally {
    await sidecar?.stop()
  }
  process.stdout.write(json ? `${JSON.stringify({ checks })}\n` : describeChecks(checks))
  const unwell = checks.some(({ status }) => status === 'fail')
  return { status: unwell ? UNWELL : 0, signal: null }
}

function checkLibrary(): DoctorCheck {
  const name = 'library'
  try {
    return { name, status: 'ok', found: placeLibrary(findLibrary()) }
  } catch (error) {
    return { name, status: 'fail', found: messageOf(error) }
  }
}

async function startSidecar(checks: DoctorCheck[]): Promise<Sidecar | undefined> {
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

async function checkDials(sidecar: Sidecar): Promise<DoctorCheck> {
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
