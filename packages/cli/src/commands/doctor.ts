import process from 'node:process'
import {
  checkSettings,
  collectSettings,
  type RawSettings,
  type SettingSources,
} from '@tailproxy/config'
import type { SessionClient, SessionNetwork, SessionStatus } from '@tailproxy/session/host'
import type { Sidecar } from '@tailproxy/sidecar'
import { checkIoUring } from '../lib/doctor/check-io-uring.ts'
import { checkKernel } from '../lib/doctor/check-kernel.ts'
import { checkNames } from '../lib/doctor/check-names.ts'
import { checkNamespaces } from '../lib/doctor/check-namespaces.ts'
import { checkNetwork } from '../lib/doctor/check-network.ts'
import { checkProgram } from '../lib/doctor/check-program.ts'
import { checkSession } from '../lib/doctor/check-session.ts'
import { checkDials, startSidecar } from '../lib/doctor/check-sidecar.ts'
import { checkState } from '../lib/doctor/check-state.ts'
import { type DoctorCheck, describeChecks, messageOf } from '../lib/doctor/doctor-check.ts'
import { doctorReport } from '../lib/doctor/doctor-report.ts'
import { library } from '../lib/library.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'
import { showProgress } from '../lib/terminal.ts'

/** What a doctor that found something broken exits with. */
const UNWELL = 1
/** Milliseconds for a look at the network; relays that do not answer take the most of it. */
const NETWORK_TIMEOUT = 20_000

interface Options {
  json: boolean
  report: boolean
}

/** `tailproxy doctor [COMMAND…]`: what works on this host, and whether commands would be captured. */
export async function doctor(
  commands: readonly string[],
  sources: SettingSources,
  { json, report }: Options,
): Promise<ChildExit> {
  const progress = showProgress('examining')
  const { checks, raw, client, status } = await examine(commands, sources).finally(progress.done)
  const peers = report ? await client?.peers().catch(() => undefined) : undefined
  const text = report ? doctorReport({ checks, raw, status, peers }) : describeChecks(checks)
  process.stdout.write(json ? `${JSON.stringify(report ? { report: text } : { checks })}\n` : text)
  const unwell = checks.some((check) => check.status === 'fail')
  return { status: unwell ? UNWELL : 0, signal: null }
}

interface Examined {
  checks: DoctorCheck[]
  raw: RawSettings
  client: SessionClient | undefined
  status: SessionStatus | undefined
}

async function examine(commands: readonly string[], sources: SettingSources): Promise<Examined> {
  const checks: DoctorCheck[] = [checkKernel(), checkNamespaces(), checkLibrary()]
  const raw = await readSettings(sources, checks)
  const sidecar = await startSidecar(checks)
  try {
    if (sidecar) checks.push(await checkDials(sidecar))
    checks.push(checkIoUring(), await checkState(raw))
    const client = await runningSession(raw).catch(() => undefined)
    const status = await client?.status().catch(() => undefined)
    checks.push(checkSession(status))
    const controlUrl = checkSettings({ ...pick(raw) }).values.controlUrl
    checks.push(await checkNames(controlUrl))
    // A node that is up knows relays that the control server tells to no others.
    const asked = status?.state === 'running' ? client : undefined
    if (asked || sidecar) checks.push(...(await lookAround(asked, sidecar, controlUrl)))
    for (const command of commands) {
      checks.push(await checkProgram(command, sidecar, process.env))
    }
    return { checks, raw, client, status }
  } finally {
    await sidecar?.stop()
  }
}

/** What is wrong with settings is one thing more that is not well. */
async function readSettings(sources: SettingSources, checks: DoctorCheck[]): Promise<RawSettings> {
  const name = 'settings'
  try {
    const raw = await collectSettings(sources)
    checkSettings(raw)
    checks.push({ name, status: 'ok', found: 'tailproxy config shows them' })
    return raw
  } catch (error) {
    checks.push({ name, status: 'fail', found: messageOf(error) })
    return {}
  }
}

const pick = ({ controlUrl }: RawSettings): RawSettings => (controlUrl ? { controlUrl } : {})

async function lookAround(
  client: SessionClient | undefined,
  sidecar: Sidecar | undefined,
  controlUrl: string,
): Promise<DoctorCheck[]> {
  try {
    const signal = AbortSignal.timeout(NETWORK_TIMEOUT)
    const seen = client
      ? await client.netcheck()
      : await sidecar?.netcheck(controlUrl || undefined, signal)
    return seen ? checkNetwork(seen as SessionNetwork) : []
  } catch (error) {
    return [{ name: 'network', status: 'fail', found: messageOf(error) }]
  }
}

function checkLibrary(): DoctorCheck {
  const name = 'library'
  try {
    return { name, status: 'ok', found: library() }
  } catch (error) {
    return { name, status: 'fail', found: messageOf(error) }
  }
}
