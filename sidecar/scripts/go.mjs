// How this module is built. Tests use the same tags as the binary, so that both share Go's cache and
// what is tested is what is shipped.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

// Parts of tailscale that a node of ours never uses: they make the binary larger, and some look at
// the network on their own (cloud metadata, captive portals).
const OMITTED = [
  'appconnectors',
  'aws',
  'bird',
  'cachenetmap',
  'captiveportal',
  'capture',
  'cli',
  'cliconndiag',
  'clientmetrics',
  'clientupdate',
  'cloud',
  'colorable',
  'completion',
  'conn25',
  'dbus',
  'debug',
  'debugeventbus',
  'debugportmapper',
  'desktop_sessions',
  'doctor',
  'drive',
  'flashappliance',
  'hujsonconf',
  'identityfederation',
  'iptables',
  'kube',
  'linuxdnsfight',
  'listenrawdisco',
  'netlog',
  'networkmanager',
  'osrouter',
  'outboundproxy',
  'portlist',
  'posture',
  'qrcodes',
  'relayserver',
  'remoteconfig',
  'resolved',
  'runtimemetrics',
  'sdnotify',
  'serviceclientprefs',
  'ssh',
  'synology',
  'syslog',
  'syspolicy',
  'systray',
  'taildrop',
  'tap',
  'tpm',
  'tundevstats',
  'unixsocketidentity',
  'usermetrics',
  'wakeonlan',
  'webbrowser',
  'webclient',
]

const tags = OMITTED.map((feature) => `ts_omit_${feature}`).join(',')

/** Flags of every `go build` and `go test`. */
export const buildFlags = ['-trimpath', '-buildvcs=false', '-tags', tags]

/** The environment of every `go` command. */
export const goEnvironment = { ...process.env, CGO_ENABLED: '0' }

/** Says what is missing when there is no Go. */
export function findGo() {
  const { error, status } = spawnSync('go', ['version'], { stdio: 'ignore' })
  return !error && status === 0
}
