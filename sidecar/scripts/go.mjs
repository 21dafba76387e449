// How this module is built. Tests use the same tags as the binary, so that both share Go's cache and
// what is tested is what is shipped.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

// What logs in, keeps the netmap and serves the lab runs now and then: without inlining there the
// binary is 0.6 MB smaller, 0.4 of them compressed. The way of the data is left alone, and so is
// what it calls (docs/decisions/017-prebuilt-packages.md).
const NOT_INLINED = [
  'crypto/tls',
  'crypto/x509/...',
  'encoding/asn1',
  'encoding/xml',
  'github.com/coder/...',
  'github.com/fxamacker/cbor/...',
  'github.com/huin/goupnp/...',
  'github.com/jsimonetti/...',
  'github.com/mdlayher/...',
  'github.com/safchain/...',
  'github.com/tailproxy/tailproxy/sidecar/internal/lab/...',
  'github.com/tailproxy/tailproxy/sidecar/internal/labrole/...',
  'golang.org/x/net/http2/...',
  'golang.org/x/net/idna',
  'golang.org/x/oauth2/...',
  'golang.org/x/text/...',
  'internal/profile',
  'mime/...',
  'net/http/...',
  'net/textproto',
  'regexp/...',
  'runtime/pprof',
  'tailscale.com/...',
  'vendor/golang.org/x/net/...',
  'vendor/golang.org/x/text/...',
]
/** Exceptions of the former: the last pattern that fits a package counts. */
const INLINED = [
  'derp',
  'disco',
  'envknob',
  'feature',
  'health',
  'metrics',
  'net',
  'syncs',
  'tailcfg',
  'tstime',
  'types',
  'util',
  'wgengine',
]

const compilerFlags = [
  ...NOT_INLINED.map((pattern) => `-gcflags=${pattern}=-l`),
  ...INLINED.map((name) => `-gcflags=tailscale.com/${name}/...=`),
]

/** Flags of every `go build` and `go test`. */
export const buildFlags = ['-trimpath', '-buildvcs=false', ...compilerFlags, '-tags', tags]

/** The environment of every `go` command. */
export const goEnvironment = { ...process.env, CGO_ENABLED: '0' }

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' }

/** The same for a package: whatever could change the result is as Go has it by default. */
export function releaseEnvironment(architecture) {
  const GOARCH = ARCHITECTURES[architecture]
  if (!GOARCH) {
    throw new Error(
      `--arch is "${architecture}"; allowed are ${Object.keys(ARCHITECTURES).join(' and ')}`,
    )
  }
  return {
    ...goEnvironment,
    ...{ GOOS: 'linux', GOARCH, GOAMD64: 'v1', GOARM64: 'v8.0' },
    ...{ GOFLAGS: '', GOEXPERIMENT: '', GOFIPS140: 'off', GOWORK: 'off' },
  }
}

const VERSION_VARIABLE = 'github.com/tailproxy/tailproxy/sidecar/internal/version.number'

/** Has the linker write the driver's version in: it takes no sidecar of another. */
export function versionFlag() {
  const manifest = path.join(root, '../packages/sidecar/package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  return `-X ${VERSION_VARIABLE}=${version}`
}

/** Says what is missing when there is no Go. */
export function findGo() {
  const { error, status } = spawnSync('go', ['version'], { stdio: 'ignore' })
  return !error && status === 0
}
