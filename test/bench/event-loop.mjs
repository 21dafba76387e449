// How long 100 non-blocking connects at once take, and how long the event loop stands still: TailProxy and proxychains4 side by
// side, to a peer behind 50 ms of delay. Usage: node test/bench/event-loop.mjs [--runs N] [--delay MS] [--count N] [--json]
// event-loop/README.md has the programs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/turbo.mjs'
import { startLab } from './support/lab.mjs'
import { median, printTable, run } from './support/run.mjs'

const ECHO = 7

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    delay: { type: 'string', default: '50' },
    count: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
})

const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))
const tailproxy = path.join(root, 'node_modules/.bin/tailproxy')
const programs = {
  'Python asyncio': ['python3', path.join(root, 'test/bench/event-loop/loop.py')],
  Node: ['node', path.join(root, 'test/bench/event-loop/loop.mjs')],
  'C epoll': [path.join(scratch, 'loop')],
}

/** TailProxy's SOCKS5 server in the foreground, for proxychains4. */
async function serveSocks(env) {
  const child = spawn(tailproxy, ['--json', '-hostname=socks'], {
    env: { ...env, TAILPROXY_STATE_DIR: path.join(scratch, 'socks') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { address, user, password } = JSON.parse(line)
  const [host, port] = address.split(':')
  const file = path.join(scratch, 'proxychains.conf')
  const proxy = `socks5 ${host} ${port} ${user} ${password}`
  writeFileSync(file, `strict_chain\nquiet_mode\n[ProxyList]\n${proxy}\n`)
  return { child, file }
}

async function main() {
  await run('cc', [
    '-O2',
    '-o',
    programs['C epoll'][0],
    path.join(root, 'test/bench/event-loop/loop.c'),
  ])
  const lab = await startLab({ delayMs: Number(options.delay) })
  const env = { ...process.env, TAILPROXY_CONTROL_URL: lab.controlUrl }
  let socks
  try {
    socks = await serveSocks(env)
    const ways = {
      tailproxy: { words: [tailproxy, '-hostname=loop'], state: 'node' },
      proxychains4: { words: ['proxychains4', '-q', '-f', socks.file], state: 'none' },
    }
    const results = {}
    for (let number = 0; number < Number(options.runs); number++) {
      for (const [program, command] of Object.entries(programs)) {
        const order = Object.entries(ways)
        if (number % 2 === 1) order.reverse()
        for (const [way, { words, state }] of order) {
          const [file, ...args] = [...words, ...command, lab.hello, String(ECHO), options.count]
          const stateDirectory = path.join(scratch, state)
          const output = await run(file, args, {
            env: { ...env, TAILPROXY_STATE_DIR: stateDirectory, TAILPROXY_FOREGROUND: '1' },
          })
          results[program] ??= {}
          results[program][way] ??= []
          results[program][way].push(JSON.parse(output))
        }
      }
    }
    if (options.json) console.log(JSON.stringify(results))
    else print(results)
  } finally {
    if (socks) {
      socks.child.kill('SIGTERM')
      await once(socks.child, 'close')
    }
    await lab.stop()
  }
}

function print(results) {
  console.log(
    `${options.count} connects at once to a peer behind ${options.delay} ms of delay; medians of ${options.runs} runs. "× one" is the`,
  )
  console.log(
    'time of all to that of one connect alone in the same program; the gap is of a 1 ms ticker.\n',
  )
  const table = [
    ['', 'through', 'one, ms', 'round', 'all, ms', '× one', 'longest gap, ms', 'pending'],
  ]
  for (const [program, ways] of Object.entries(results)) {
    for (const [way, runs] of Object.entries(ways)) {
      for (const [index, name] of ['first', 'second'].entries()) {
        const of = (pick) => median(runs.map((one) => pick(one.rounds[index], one)))
        table.push([
          program,
          way,
          of((_, { single }) => single).toFixed(1),
          name,
          of(({ total }) => total).toFixed(1),
          of(({ total }, { single }) => total / single).toFixed(2),
          of(({ gap }) => gap).toFixed(1),
          String(of(({ pendingAtOnce }) => pendingAtOnce)),
        ])
      }
    }
  }
  printTable(table)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`event-loop: ${error.message}\n`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
