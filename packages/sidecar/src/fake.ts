import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { ErrorCode } from './lib/error-code.ts'
import type { ExitNode } from './lib/exit-node-messages.ts'
import type { LabInfo } from './lib/lab-messages.ts'
import type { NetcheckResult, Peer, PeerStatus } from './lib/measure-messages.ts'
import type { ServeDialsResult } from './lib/node-messages.ts'
import type { PeerCredentials } from './lib/peer-credentials.ts'
import type { SidecarCommand } from './lib/sidecar-process.ts'

/** What a fake sidecar knows, and how it misbehaves. */
export interface FakeSidecarBehaviour {
  /** Addresses by name, for `resolve` and dials by name. */
  names?: Record<string, string[]>
  /** The loopback address behind a tailnet one: `{'100.64.0.1:80': '127.0.0.1:8080'}`. */
  targets?: Record<string, string>
  /** The error of a dial to an address, as `{'100.64.0.1:81': 'timed-out'}`. */
  dialFailures?: Record<string, ErrorCode>
  resolveFailure?: ErrorCode
  /** States told on the way up. @default ['starting'] */
  states?: string[]
  authUrl?: string
  startFailure?: { code: ErrorCode; message: string }
  loginFailure?: { code: ErrorCode; message: string }
  /** Leaves `login` without an answer. */
  neverLogsIn?: boolean
  /** Leaves `start` without an answer. */
  neverStarts?: boolean
  /** Leaves the first of all starts without one: a file of this path, which it makes then, says that it was. */
  waitOnce?: string
  /** The answer to `serveDials`. @default tarpit "none": its programs use SOCKS5 */
  dials?: ServeDialsResult
  dialsFailure?: ErrorCode
  /** Paths for which `fileCapabilities` says yes. */
  withCapabilities?: string[]
  /** For `peers`, `whois` and `ping`; what is not said of one is nothing. @default [] */
  peers?: (Peer & Partial<PeerStatus>)[]
  /** The answer to `netcheck`. */
  network?: NetcheckResult
  /** Of `status`. @default [] */
  health?: string[]
  /** Those that can be set; each that is online is usable. @default [] */
  exitNodes?: Omit<ExitNode, 'selected'>[]
  /** Why an `export` of a port is `busy`, by port. */
  takenPorts?: Record<number, string>
  /** Login URLs that nodes of the lab wait for, for `completeAuth`. */
  labUrls?: string[]
  /** The answer to `startLab`; without it, it is no lab. */
  lab?: LabInfo
  /** Where on loopback an export is reached, in place of any free port. */
  exportPort?: number
  /** Who connects to Unix sockets. @default the process that asks, and its user */
  credentials?: Partial<PeerCredentials>
  /** Answers that replace the true ones, by method. */
  results?: Record<string, unknown>
  /** Kills itself after it has answered this method. */
  dieAfter?: string
  /** It does so only once: a file of this path, which it makes then, says that it did. */
  dieOnce?: string
  /** Says this, raw, after it has answered this method. */
  sayAfter?: { method: string; text: string }
  /** Ends neither by `stop` nor with its channel. */
  neverStops?: boolean
  /** Said on stderr at once. */
  stderr?: string
  /** Exits with this status at once. */
  exitStatus?: number
}

/**
 * The command of a sidecar without a tailnet: a Node script that speaks the same channel, serves
 * real SOCKS5 clients and dials loopback. For tests of everything above the sidecar.
 */
export function fakeSidecar(
  behaviour: FakeSidecarBehaviour = {},
): Required<Pick<SidecarCommand, 'binary' | 'args' | 'env'>> {
  return {
    binary: process.execPath,
    args: [fileURLToPath(new URL('../fake/fake-sidecar.mjs', import.meta.url))],
    env: { ...process.env, FAKE_SIDECAR: JSON.stringify(behaviour) },
  }
}
