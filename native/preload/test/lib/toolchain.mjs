// Builds what the tests run, and finds out what this machine can build at all.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import {
  buildFlags,
  findGo,
  goEnvironment,
  root as sidecar,
} from '../../../../sidecar/scripts/go.mjs'
import { root } from './harness.mjs'

function succeeds(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore', ...options })
  return !error && status === 0
}

export function make(...targets) {
  const { status, error } = spawnSync('make', ['-s', ...targets], { cwd: root, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) throw new Error(`make ${targets.join(' ')} ended with status ${status}`)
}

/** Whether the compiler links a program with `flag`. */
function compiles(compiler, ...flags) {
  const options = { input: 'int main(void){return 0;}', stdio: ['pipe', 'ignore', 'ignore'] }
  return succeeds(compiler, ['-x', 'c', ...flags, '-o', '/dev/null', '-'], options)
}

const compiler = process.env.CC || 'cc'

function aarch64Missing() {
  if (!compiles('aarch64-linux-gnu-gcc')) return 'aarch64-linux-gnu-gcc'
  return succeeds('qemu-aarch64', ['-version']) ? undefined : 'qemu-aarch64'
}

/** undefined where it is there, else its name: what test() takes for `needs`. */
export const missing = {
  musl: compiles('musl-gcc') ? undefined : 'musl-gcc',
  asan: compiles(compiler, '-fsanitize=address,undefined', '-lasan', '-lubsan')
    ? undefined
    : 'AddressSanitizer',
  tsan: compiles(compiler, '-fsanitize=thread', '-ltsan') ? undefined : 'ThreadSanitizer',
  static: compiles(compiler, '-static-pie') ? undefined : 'a static C library',
  clang: compiles('clang', '-fsanitize=fuzzer-no-link') ? undefined : 'clang',
  aarch64: aarch64Missing(),
  go: findGo() ? undefined : 'go',
  readelf: succeeds('readelf', ['--version']) ? undefined : 'readelf',
}

export const library = path.join(root, 'dist/libtailproxy.so')
export const sanitizedLibrary = path.join(root, 'build/asan/libtailproxy.so')
export const threadLibrary = path.join(root, 'build/tsan/libtailproxy.so')

/** The sidecar's dial socket with loopback behind it. */
export const loopbackServer = path.join(sidecar, 'dist/test/tailproxy-loopback')

export function makeLoopback() {
  const args = ['build', ...buildFlags, '-o', loopbackServer, './cmd/tailproxy-loopback']
  const options = { cwd: sidecar, env: goEnvironment, stdio: 'inherit' }
  const { status, error } = spawnSync('go', args, options)
  if (error) throw error
  if (status !== 0) throw new Error(`go build of tailproxy-loopback ended with status ${status}`)
}

/** Whether a command is there; for programs that are only run. */
export function missingCommand(command, ...args) {
  return succeeds(command, args.length > 0 ? args : ['--version']) ? undefined : command
}

/** `kind`: glibc, musl, static, static-pie, asan or tsan. */
export function programPath(name, kind = 'glibc') {
  return path.join(root, 'build/test', kind, name)
}
