// What an installation weighs, as a program that Node has and the network brings: packs the command
// and the two binaries of each platform, prints the change against scripts/sizes.json, and fails over
// the limits. `--update` writes what was measured there. Build and assemble first.
// Usage: node scripts/check-sizes.mjs [--update]
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pack } from './pack.mjs'

const { values: options } = parseArgs({ options: { update: { type: 'boolean', default: false } } })
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const committed = path.join(root, 'scripts/sizes.json')

/** Bytes. Those of the library for arm64 have up to 64 KB of zeros: docs/decisions/017-prebuilt-packages.md. */
const LIMITS = {
  'sidecar x64': 23_500_000,
  'sidecar arm64': 23_500_000,
  'library x64': 100_000,
  'library arm64': 140_000,
  'unpacked x64': 25_000_000,
  'unpacked arm64': 25_000_000,
  'packed x64': 9_000_000,
  'packed arm64': 9_000_000,
}

/** Bytes of the tarball of a package, and of what is in it. */
async function weigh(name, directory) {
  const { tarball } = await pack(path.join(root, 'packages', name), directory)
  const list = execFileSync('tar', ['-tvzf', tarball], { encoding: 'utf8' })
  const sizes = list
    .trim()
    .split('\n')
    .map((line) => Number(line.split(/\s+/)[2]))
  return {
    packed: statSync(tarball).size,
    unpacked: sizes.reduce((sum, size) => sum + size, 0),
  }
}

async function measure(directory) {
  const cli = await weigh('cli', directory)
  const sizes = {}
  for (const arch of ['x64', 'arm64']) {
    const names = [`sidecar-linux-${arch}`, `preload-linux-${arch}`]
    const [sidecar, library] = ['bin/tailproxy-sidecar', 'lib/libtailproxy.so'].map((file, index) =>
      path.join(root, 'packages', names[index], file),
    )
    if (!existsSync(library)) {
      console.log(`${names[1]} is not assembled here; ${arch} is left out`)
      continue
    }
    const parts = [cli]
    for (const name of names) parts.push(await weigh(name, directory))
    sizes[`sidecar ${arch}`] = statSync(sidecar).size
    sizes[`library ${arch}`] = statSync(library).size
    sizes[`unpacked ${arch}`] = parts.reduce((sum, { unpacked }) => sum + unpacked, 0)
    sizes[`packed ${arch}`] = parts.reduce((sum, { packed }) => sum + packed, 0)
  }
  return sizes
}

const number = (bytes) => bytes.toLocaleString('en').padStart(11)
const signed = (bytes) => `${bytes > 0 ? '+' : ''}${bytes.toLocaleString('en')}`.padStart(11)

function print(sizes, before) {
  console.log(
    `${'bytes'.padEnd(14)}${'now'.padStart(11)}${'change'.padStart(11)}${'limit'.padStart(11)}`,
  )
  for (const [name, size] of Object.entries(sizes)) {
    const change = before[name] === undefined ? 'new'.padStart(11) : signed(size - before[name])
    const over = size > LIMITS[name] ? '  over the limit' : ''
    console.log(`${name.padEnd(14)}${number(size)}${change}${number(LIMITS[name])}${over}`)
  }
}

const directory = mkdtempSync(path.join(tmpdir(), 'check-sizes-'))
try {
  const sizes = await measure(directory)
  const before = existsSync(committed) ? JSON.parse(readFileSync(committed, 'utf8')) : {}
  print(sizes, before)
  if (options.update) {
    writeFileSync(committed, `${JSON.stringify({ ...before, ...sizes }, null, 2)}\n`)
  }
  if (Object.entries(sizes).some(([name, size]) => size > LIMITS[name])) process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
