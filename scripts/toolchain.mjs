// What a clone needs before anything can be built: Node, Go and a C compiler. Runs before the
// first install, so it uses nothing but Node itself.
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const NODE_FLOOR = [20, 19]
const GO_FLOOR = [1, 26]

/** What is missing, as one line a user can act on. */
export class ToolchainError extends Error {
  name = 'ToolchainError'
}

function firstLine(command, args) {
  const { error, status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  if (error || status !== 0) return undefined
  return stdout.split('\n', 1)[0].trim()
}

function atLeast([major, minor], [floorMajor, floorMinor]) {
  return major > floorMajor || (major === floorMajor && minor >= floorMinor)
}

function versionIn(text, pattern) {
  const match = pattern.exec(text)
  return match ? [Number(match[1]), Number(match[2])] : [0, 0]
}

function findCompiler() {
  const candidates = process.env.CC ? [process.env.CC] : ['cc', 'gcc', 'clang']
  for (const command of candidates) {
    const version = firstLine(command, ['--version'])
    if (version) return { command, version }
  }
  throw new ToolchainError(
    `no C compiler found (tried ${candidates.join(', ')}); install gcc or clang (Debian: apt-get install gcc make libc6-dev) or set CC`,
  )
}

/**
 * The compilers this build uses, with their versions.
 *
 * @throws {ToolchainError} when one is missing or too old
 */
export function findToolchain() {
  if (process.platform !== 'linux') {
    throw new ToolchainError(`TailProxy builds and runs on Linux; this is ${process.platform}`)
  }
  const node = versionIn(process.versions.node, /^(\d+)\.(\d+)/)
  if (!atLeast(node, NODE_FLOOR)) {
    throw new ToolchainError(
      `Node ${process.versions.node} is too old; install Node ${NODE_FLOOR.join('.')} or newer`,
    )
  }
  const go = firstLine('go', ['version'])
  if (!go) {
    throw new ToolchainError(
      `Go was not found; install Go ${GO_FLOOR.join('.')} or newer and put it on PATH`,
    )
  }
  if (!atLeast(versionIn(go, /go(\d+)\.(\d+)/), GO_FLOOR)) {
    throw new ToolchainError(`"${go}" is too old; install Go ${GO_FLOOR.join('.')} or newer`)
  }
  const compiler = findCompiler()
  if (!firstLine('make', ['--version'])) {
    throw new ToolchainError('make was not found; install it (Debian: apt-get install make)')
  }
  return { go, compiler: compiler.command, compilerVersion: compiler.version }
}

/** Ends the process with one line when the tool chain is not complete. */
export function requireToolchain() {
  try {
    return findToolchain()
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error
    process.stderr.write(`tailproxy: ${error.message}\n`)
    process.exit(1)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) requireToolchain()
