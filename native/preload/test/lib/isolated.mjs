// Runs programs in a network of its own in which a DNS server counts what reaches the host's resolver.
// As a module: isolated() starts it. As a script: what runs inside, by the JSON in its argument.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { dialServer } from './dial-server.mjs'
import { dnsServer } from './dns-server.mjs'
import { note, start } from './program.mjs'
import { library, missing, missingCommand, programPath } from './toolchain.mjs'
import { watchers } from './watchers.mjs'

const RESOLVER = '127.0.0.53'
const PROGRAM_LIMIT_MS = 15_000
const withLibrary = { LD_PRELOAD: library, TAILPROXY_SOCK: 'inside' }
const self = fileURLToPath(import.meta.url)

/** What is missing for isolated(). */
export const missingIsolation =
  missing.go ?? (missingCommand('unshare', '-rnm', 'true') ? 'user namespaces' : undefined)

/** The files that the C libraries read; mounted over the host's. */
const files = (search) => ({
  '/etc/resolv.conf': `nameserver ${RESOLVER}\nsearch ${search}\noptions timeout:1 attempts:1\n`,
  '/etc/hosts': [
    '127.0.0.1 localhost',
    '::1 localhost',
    '203.0.113.9 listed.example Listed # here',
    '2001:db8::9 listed.example Listed',
    '',
  ].join('\n'),
  '/etc/nsswitch.conf': 'hosts: files dns\n',
})

/**
 * `records`: names, canonical, reverse as tailproxy-loopback takes them; the host's resolver knows the same. `runs`:
 * { name: [command, args] }. Returns { name: { wrapped, plain } }, each { status, stdout, stderr, asked, resolved }: which names
 * the host's resolver was asked for, and how often the session was.
 */
export async function isolated(
  context,
  { records, runs, search = 'lab.ts.net', sessionRecords = records },
) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-isolated-'))
  context.defer(() => rm(directory, { recursive: true }))
  const mounts = []
  for (const [place, text] of Object.entries(files(search))) {
    const file = path.join(directory, path.basename(place))
    await writeFile(file, text)
    mounts.push(`${file}=${place}`)
  }
  for (const [command, args] of Object.values(runs))
    note(context, { command, args, env: withLibrary })
  const watch = context.watch && {
    watcher: context.watch.watcher.name,
    programs: [...context.watch.programs],
  }
  const task = JSON.stringify({ records, sessionRecords, runs, watch })
  const args = [...mounts, '--', process.execPath, self, task]
  const { status, stdout, stderr } = await start(context, programPath('isolate'), args).ended
  if (status !== 0) throw new Error(`isolated programs ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}

/** What the session was asked for by name, in all ways. */
const NAME_EVENTS = ['resolve', 'reverse', 'query']

async function inside({ records, sessionRecords, runs, watch }) {
  const undo = []
  const context = {
    defer: (action) => undo.push(action),
    runs: [],
    watch: watch && {
      watcher: watchers.find(({ name }) => name === watch.watcher),
      programs: new Set(watch.programs),
    },
  }
  const dns = await dnsServer(RESOLVER, 53, records)
  context.defer(() => dns.close())
  const session = await dialServer(context, { resolvers: [RESOLVER], ...sessionRecords })
  const results = {}
  const observe = async (command, args, env) => {
    dns.asked.length = 0
    session.events.length = 0
    const program = start(context, command, args, env)
    // Sooner than those outside would: they can end this script, and not what it has started.
    const timer = setTimeout(program.kill, PROGRAM_LIMIT_MS)
    const { status, stdout, stderr } = await program.ended
    clearTimeout(timer)
    const resolved = session.events.filter(({ event }) => NAME_EVENTS.includes(event))
    return { status, stdout, stderr, asked: [...dns.asked], resolved: resolved.length }
  }
  for (const [name, [command, args]] of Object.entries(runs)) {
    results[name] = {
      plain: await observe(command, args, {}),
      wrapped: await observe(command, args, session.env),
    }
  }
  for (const action of undo.reverse()) await action()
  process.stdout.write(JSON.stringify(results))
}

if (process.argv[1] === self) await inside(JSON.parse(process.argv[2]))
