import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { checkSettings, type RawSettings, type SettingName, settingNames } from '@tailproxy/config'
import type { SessionPeer, SessionStatus } from '@tailproxy/session/host'
import { describeStatus } from '../describe-status.ts'
import { VERSION } from '../version.ts'
import { type DoctorCheck, describeChecks } from './doctor-check.ts'
import { createRedactor, type Known } from './redact.ts'

/** Lines of the log's end that are in a report. */
const LOG_LINES = 40

export interface Reported {
  checks: readonly DoctorCheck[]
  raw: RawSettings
  status?: SessionStatus | undefined
  peers?: readonly SessionPeer[] | undefined
}

/** What somebody who is to help has to know, and nothing that says who asks. */
export function doctorReport({ checks, raw, status, peers = [] }: Reported): string {
  const redact = createRedactor(knownWords(raw, status, peers), os.homedir())
  const parts: [string, string][] = [
    ['host', describeHost()],
    ['checks', describeChecks(checks)],
    ['settings', describeSettings(raw)],
    ['session', status ? describeStatus(withoutArguments(status), undefined) : 'none runs\n'],
    ['log', status?.log ? endOf(status.log) : 'none\n'],
  ]
  return parts.map(([title, text]) => `## ${title}\n\n${redact(text)}`).join('\n')
}

/** Of commands the programs are told, which may matter; their arguments are nobody's business. */
function withoutArguments(status: SessionStatus): SessionStatus {
  const runs = status.runs.map((run) => ({
    ...run,
    command: [path.basename(run.command[0] ?? ''), ...(run.command.length > 1 ? ['…'] : [])],
  }))
  return { ...status, runs }
}

function describeHost(): string {
  const { glibcVersionRuntime } = (
    process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  ).header
  const libc = glibcVersionRuntime ? `glibc ${glibcVersionRuntime}` : 'no glibc'
  return `TailProxy ${VERSION}, Node ${process.version}, Linux ${os.release()} ${os.arch()}, ${distribution()}, ${libc}\n`
}

/** os-release(5). */
function distribution(): string {
  try {
    const text = readFileSync('/etc/os-release', 'utf8')
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'unknown distribution'
  } catch {
    return 'unknown distribution'
  }
}

/** Which are set and where; what to is told only where it can name nobody. */
function describeSettings(raw: RawSettings): string {
  const given = settingNames.filter((name) => raw[name] !== undefined)
  if (given.length === 0) return 'all as by default\n'
  return given.map((name) => `${name}: ${shownValue(name, raw)}, ${originOf(name, raw)}\n`).join('')
}

function shownValue(name: SettingName, raw: RawSettings): string {
  try {
    const value = checkSettings({ [name]: raw[name] }).values[name]
    return typeof value === 'boolean' || typeof value === 'number' ? String(value) : '(set)'
  } catch {
    return '(not allowed)'
  }
}

function originOf(name: SettingName, raw: RawSettings): string {
  const origin = raw[name]?.origin
  return origin?.kind === 'file' ? `${origin.role} file` : (origin?.kind ?? 'default')
}

function endOf(log: string): string {
  try {
    return `${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n')}\n`
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}\n`
  }
}

function knownWords(
  raw: RawSettings,
  status: SessionStatus | undefined,
  peers: readonly SessionPeer[],
): Known {
  const node = status?.sidecar?.node
  const names = [node, status?.sidecar?.exitNode?.node, ...peers].flatMap((each) =>
    each ? [each.name, each.name.split('.', 1)[0] ?? ''] : [],
  )
  const users = [node?.user, os.userInfo().username, ...peers.map(({ user }) => user)]
  return [
    ...names.map((name) => [name, 'name'] as const),
    [os.hostname(), 'host'],
    ...users.flatMap((user) => (user && user !== 'root' ? [[user, 'user'] as const] : [])),
    ...(node?.tailnet ? [[node.tailnet, 'tailnet'] as const] : []),
    ...texts(raw).map((text) => [text, 'value'] as const),
  ]
}

/** What settings say that may be somebody's: of a URL its host, too. */
function texts(raw: RawSettings): string[] {
  const { hostname, controlUrl, profile, exitNode, exportUsers, tags, exportTags } = raw
  const values = [hostname, profile, exitNode, exportUsers, tags, exportTags].flatMap(
    (given) => given?.value ?? [],
  )
  const url = controlUrl?.value
  const host = typeof url === 'string' && URL.canParse(url) ? [new URL(url).hostname] : []
  return [...values, ...host].filter((value): value is string => typeof value === 'string')
}
