// Runs the small C programs, with the library and without.
import { deepEqual, equal } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import process from 'node:process'
import { library, programPath } from './toolchain.mjs'

const PROGRAM_LIMIT_MS = 40_000

/** What a wrapped program finds in its environment. */
export function environmentFor(socks, extra = {}) {
  return {
    LD_PRELOAD: library,
    TAILPROXY_HOST: '127.0.0.1',
    TAILPROXY_PORT: String(socks.port),
    ...extra,
  }
}

/** With all that it has started, which may hold its pipes: it leads a process group of its own. */
function killAll(child) {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** Notes which of the small programs runs with the library, for whoever watches; undefined for all else. */
export function note(context, { command, args, env }) {
  const own = path.dirname(command) === path.dirname(programPath('any'))
  const preloaded = env.LD_PRELOAD?.split(' ') ?? []
  if (!own || !preloaded.includes(library)) return undefined
  const program = path.basename(command)
  const way = env.TAILPROXY_SOCK ? 'dial socket' : 'SOCKS5'
  context.runs.push({ program, args, way, alone: preloaded.length === 1 })
  return program
}

/** The same by the watcher that the test is run under. */
function watched(context, given) {
  const program = note(context, given)
  if (context.watch?.programs.has(program)) return context.watch.watcher.watch(context, given)
  return { ...given, back: (text) => text, complaints: () => undefined }
}

class WatcherError extends Error {
  name = 'WatcherError'
}

/** Starts it; a test can wait for what it says. */
export function start(context, givenCommand, givenArgs = [], givenEnv = {}) {
  const given = { command: givenCommand, args: givenArgs.map(String), env: givenEnv }
  const { command, args, env, back, complaints } = watched(context, given)
  const base = { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C' }
  const child = spawn(command, args, {
    env: { ...base, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
      child.emit('grown')
    })
  }
  let over = false
  const kill = () => {
    // Once it is over the number may be another's.
    if (!over) killAll(child)
  }
  const timer = setTimeout(kill, PROGRAM_LIMIT_MS)
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(([status, signal]) => {
    over = true
    clearTimeout(timer)
    const complaint = complaints({ ...output, pid: child.pid })
    if (complaint) throw new WatcherError(`${complaint}\n${output.stderr}`)
    return { status, signal, stdout: back(output.stdout), stderr: back(output.stderr) }
  })
  // Whoever awaits it sees that it failed.
  ended.catch(() => {})
  context.defer(async () => {
    kill()
    await ended
  })
  return {
    child,
    ended,
    kill,
    async says(text) {
      while (!back(output.stdout).includes(text)) {
        // Not when it has ended: what it has forked may go on, and hold its pipes.
        if (over) {
          throw new Error(`ended without "${text}": ${output.stdout}${output.stderr}`)
        }
        await Promise.race([once(child, 'grown'), ended])
      }
    },
    output: () => back(output.stdout),
    tell: (line) => child.stdin.write(`${line}\n`),
  }
}

export async function run(context, name, args, { env = {}, kind = 'glibc', stdin = '' } = {}) {
  const program = start(context, programPath(name, kind), args.map(String), env)
  program.child.stdin.end(stdin)
  return program.ended
}

/** Standard output of a program that must end well and say nothing on stderr. */
export async function observe(context, name, args, options) {
  const { status, signal, stdout, stderr } = await run(context, name, args, options)
  equal(stderr, '')
  deepEqual({ status, signal }, { status: 0, signal: null }, stdout)
  return stdout
}

/** The same observations with the library, towards `proxied`, as without it, towards `direct`. Returns them. */
export async function observeBoth(context, name, { direct, proxied, env, kind }) {
  const without = await observe(context, name, direct, { kind })
  const within = await observe(context, name, proxied, { env, kind })
  equal(within, without)
  return within
}
