// Checks the package in the current directory as it would be published: packs it, for only then
// has `publishConfig` been applied, and looks at the tarball. Says nothing when all is well.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { pack } from './pack.mjs'

/** Every published package has these. */
const REQUIRED_FILES = ['LICENSE', 'README.md', 'package.json']
/** An import at the start of a line: elsewhere it is an example in a comment. */
const IMPORT = /^(?:import|export)\b[^'"\n]*['"]([^'"\n]+)['"]/gm

async function run(command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const status = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const all = await Promise.all([status, text(child.stdout), text(child.stderr)])
  return { status: all[0], stdout: all[1], stderr: all[2] }
}

/** The packed package.json, with `publishConfig` and the workspace's versions applied. */
async function readPackedManifest(tarball) {
  const { stdout } = await run('tar', ['-xOzf', tarball, 'package/package.json'])
  return JSON.parse(stdout)
}

function missingFiles(files) {
  return REQUIRED_FILES.filter((file) => !files.includes(file)).map((file) => `it has no ${file}`)
}

function unwantedFiles(files) {
  return files
    .filter((file) => /\.test\.|(^|\/)(testing|test-results|node_modules)\//.test(file))
    .map((file) => `${file} is of no use to anybody who installs it`)
}

/** What dist imports that an installation would not bring. */
async function undeclaredImports({ name, dependencies = {}, peerDependencies = {} }) {
  const known = new Set([name, ...Object.keys(dependencies), ...Object.keys(peerDependencies)])
  const problems = new Set()
  // A package with a binary alone has none.
  const files = existsSync('dist') ? await readdir('dist', { recursive: true }) : []
  for (const file of files) {
    if (!/\.[cm]?[jt]s$/.test(file)) continue
    const source = await readFile(path.join('dist', file), 'utf8')
    for (const [, specifier] of source.matchAll(IMPORT)) {
      const needed = packageOf(specifier)
      if (needed && !known.has(needed))
        problems.add(`dist/${file} imports ${needed}, no dependency`)
    }
  }
  return [...problems]
}

function packageOf(specifier) {
  if (/^([./]|node:)/.test(specifier) || builtinModules.includes(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

async function publintProblems(tarball, manifest) {
  const packed = await readFile(tarball)
  const bytes = packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.byteLength)
  const { messages } = await publint({ pack: { tarball: bytes }, strict: true, level: 'warning' })
  return messages.map((message) => formatMessage(message, manifest))
}

/** Whether TypeScript finds the types of every door, from ESM. */
async function typeProblems(tarball, manifest) {
  if (!JSON.stringify(manifest.exports ?? {}).includes('"types"')) return []
  const attwManifest = fileURLToPath(import.meta.resolve('@arethetypeswrong/cli/package.json'))
  const attw = path.join(path.dirname(attwManifest), 'dist/index.js')
  const options = ['--profile', 'esm-only', '--no-definitely-typed', '--no-color', '--no-emoji']
  const { status, stdout, stderr } = await run(process.execPath, [attw, tarball, ...options])
  return status === 0 ? [] : [`the types are wrong:\n${stdout}${stderr}`]
}

const directory = await mkdtemp(path.join(tmpdir(), 'check-package-'))
try {
  const { tarball, files } = await pack(process.cwd(), directory)
  const manifest = await readPackedManifest(tarball)
  const problems = [
    ...missingFiles(files),
    ...unwantedFiles(files),
    ...(await undeclaredImports(manifest)),
    ...(await publintProblems(tarball, manifest)),
    ...(await typeProblems(tarball, manifest)),
  ]
  for (const problem of problems) console.error(`${manifest.name}: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
} finally {
  await rm(directory, { recursive: true, force: true })
}
