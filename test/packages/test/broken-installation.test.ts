import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fakeSidecar } from '@tailproxy/sidecar/fake'
import manifest from '@tailproxy/sidecar/package.json' with { type: 'json' }
import { expect } from 'vitest'
import { HERE, type Installation, test } from '../support/installation.ts'
import { type Architecture, sidecarFile } from '../support/platform-packages.ts'

const OTHER: Architecture = HERE === 'x64' ? 'arm64' : 'x64'
const LAB = ['lab', 'run', '--', 'true']
const canMount = spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status === 0

/** The one line that a command which cannot start says. */
function complaintOf({ status, stderr }: { status: number | null; stderr: string }): string {
  expect(status, stderr).toBe(125)
  expect(stderr).toMatch(/^tailproxy: [^\n]+\n$/)
  return stderr.slice('tailproxy: '.length, -1)
}

test('a whole one runs a command on a lab, with the library at a path that ld.so can take', ({
  installation,
}) => {
  const told = installation.tailproxy(['lab', 'run', '--', 'sh', '-c', 'echo $LD_PRELOAD'])
  expect(told).toMatchObject({ status: 0, stderr: '' })
  expect(told.stdout).toMatch(/^\/[^ :]+\/libtailproxy-[0-9a-f]+\.so\n$/)
})

const reinstall = (kind: string) => `install @tailproxy/${kind}-linux-${HERE} again`

const DAMAGES: [string, (file: string) => void, RegExp][] = [
  ['missing', (file) => rmSync(file), /is missing; /],
  ['empty', (file) => writeFileSync(file, ''), /is no whole ELF file \(it has 0 bytes\); /],
  [
    'cut short',
    (file) => truncateSync(file, 50_000),
    /is cut short: it has 50000 bytes, and by its headers \d+; /,
  ],
  [
    'for another machine',
    (file) => copyFileSync(sidecarFile(OTHER), file),
    new RegExp(`is for ${OTHER}, and this machine is ${HERE}; `),
  ],
]

for (const [how, damage, words] of DAMAGES) {
  for (const kind of ['sidecar', 'preload'] as const) {
    test(`a binary of ${kind} that is ${how} is named, and what to do`, ({ installation }) => {
      const file = kind === 'sidecar' ? installation.sidecar : installation.library
      damage(file)
      const complaint = complaintOf(installation.tailproxy(LAB))
      expect(complaint.startsWith(`${file} is `), complaint).toBe(true)
      expect(complaint).toMatch(words)
      expect(complaint.endsWith(reinstall(kind)), complaint).toBe(true)
    })
  }
}

test('a sidecar without its run bit is named, and what to do', ({ installation }) => {
  chmodSync(installation.sidecar, 0o644)
  expect(complaintOf(installation.tailproxy(LAB))).toBe(
    `${installation.sidecar} may not be executed by this user (its mode is 644); ${reinstall('sidecar')}`,
  )
})

test.skipIf(!canMount)(
  `a noexec directory is named, and what to do${canMount ? '' : ' (skipped: needs mount namespaces)'}`,
  ({ installation }) => {
    expect(complaintOf(installation.tailproxyNoexec(LAB))).toBe(
      `${installation.sidecar} is on a file system mounted noexec; install TailProxy on another one, or copy the file to one and name it in TAILPROXY_SIDECAR`,
    )
  },
)

test('packages that were left out are named, and how they come in', ({ installation }) => {
  installation.remove(`preload-linux-${HERE}`)
  const absent = (title: string, kind: string) =>
    `${title} was not found for linux-${HERE}, because @tailproxy/${kind}-linux-${HERE} is not installed; install it, or all again without --no-optional and --omit=optional, or name a file in `
  expect(complaintOf(installation.tailproxy(LAB))).toBe(
    `${absent('libtailproxy.so', 'preload')}TAILPROXY_PRELOAD_LIBRARY`,
  )
  installation.remove(`sidecar-linux-${HERE}`)
  expect(complaintOf(installation.tailproxy(['lab']))).toBe(
    `${absent('the sidecar', 'sidecar')}TAILPROXY_SIDECAR`,
  )
})

test('node_modules of another machine are told from packages that were left out', async ({
  installation,
}) => {
  installation.remove(`sidecar-linux-${HERE}`)
  await installation.add(`sidecar-linux-${OTHER}`)
  expect(complaintOf(installation.tailproxy(['lab']))).toMatch(
    `the sidecar is installed for linux-${OTHER}, and this is linux-${HERE}: node_modules comes from another machine; `,
  )
})

/** A sidecar that says it is of another version. */
function wrapFake({ directory }: Installation, version: string) {
  const hello = { protocol: 1, version, tailscale: 'x', pid: 1, role: 'node' }
  const { binary, args, env } = fakeSidecar({ results: { hello } })
  const file = path.join(directory, 'old-sidecar')
  writeFileSync(file, `#!/bin/sh\nexec "${binary}" "${args[0]}" "$@"\n`, { mode: 0o755 })
  return { file, env: { FAKE_SIDECAR: env['FAKE_SIDECAR'], TAILPROXY_SIDECAR: file } }
}

test.for([
  ['in the background', []],
  ['in the foreground', ['--foreground']],
] as const)(
  'a sidecar of another version is named, both versions and what to do, by a session %s',
  ([, flags], { installation }) => {
    const { file, env } = wrapFake(installation, '0.0.1')
    expect(complaintOf(installation.tailproxy([...flags, 'run', 'true'], env))).toBe(
      `${file} is of version 0.0.1, and TailProxy here is ${manifest.version}; install the sidecar of version ${manifest.version}, and unset TAILPROXY_SIDECAR where it names another`,
    )
  },
)

test('a broken sidecar is told of by a session in the background as by one in the foreground', ({
  installation,
}) => {
  truncateSync(installation.sidecar, 50_000)
  const first = complaintOf(installation.tailproxy(['run', 'true']))
  expect(complaintOf(installation.tailproxy(['--foreground', 'run', 'true']))).toBe(first)
  expect(first).toContain(installation.sidecar)
})
