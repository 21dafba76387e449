import type { SessionStatus } from '@tailproxy/session/host'
import type { DoctorCheck } from './doctor-check.ts'

/** How the session does, if one runs. */
export function checkSession(status: SessionStatus | undefined): DoctorCheck {
  const name = 'session'
  if (!status) return { name, status: 'ok', found: 'none runs; the first command starts it' }
  const { state, detail, sidecar } = status
  const found = `${state}${detail ? ` (${detail})` : ''}`
  if (state !== 'running') {
    return { name, status: 'warn', found, fix: 'tailproxy status tells more' }
  }
  const [warning] = sidecar?.health ?? []
  return warning === undefined
    ? { name, status: 'ok', found }
    : { name, status: 'warn', found: `${found}; Tailscale warns: ${warning}` }
}
