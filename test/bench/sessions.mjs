// What a session costs: the start of a command that joins one and of one that starts one, beside bare Node; ten that come at once; how
// long a killed sidecar is missed; and the first connects of fresh nodes.
// Usage: node test/bench/sessions.mjs [--rounds N] [--nodes N] [--json]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/turbo.mjs'
import { startLab } from './support/lab.mjs'
import { median, printTable, run, spread } from './support/run.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    nodes: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))
const tailproxy = path.join(root, 'packages/cli/bin/tailproxy.cjs')

/** Milliseconds that a program takes to its end. */
async function timed(file, args, env) {
  const begun = performance.now()
  await run(file, args, { env })
  return performance.now() - begun
}

/** Each thing once a round, in turn, so that what else the machine does falls on all of them. */
async function alternating(things) {
  const times = Object.fromEntries(Object.keys(things).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, thing] of Object.entries(things)) times[name].push(await thing(round))
  }
  return times
}

async function starts(env) {
  const bare = () => timed(process.execPath, ['-e', '0'], env)
  const at = (name) => ({ ...env, TAILPROXY_STATE_DIR: path.join(scratch, name) })
  await run(tailproxy, ['true'], { env: at('warm') })
  const times = await alternating({
    'node -e 0': bare,
    warm: () => timed(tailproxy, ['true'], at('warm')),
    'warm, curl': () =>
      timed(tailproxy, ['curl', '-s', '-o', '/dev/null', 'http://hello/'], at('warm')),
    'curl alone': () => timed('curl', ['-s', '-o', '/dev/null', 'file:///dev/null'], env),
    cold: async () => {
      const took = await timed(tailproxy, ['true'], at('cold'))
      await run(tailproxy, ['down'], { env: at('cold') })
      return took
    },
    'cold, first login': async (round) => {
      const took = await timed(tailproxy, ['true'], at(`new-${round}`))
      await run(tailproxy, ['down', '--purge'], { env: at(`new-${round}`) })
      return took
    },
    'ten at once, cold': async () => {
      const begun = performance.now()
      await Promise.all(
        Array.from({ length: 10 }, () => run(tailproxy, ['true'], { env: at('ten') })),
      )
      const took = performance.now() - begun
      await run(tailproxy, ['down'], { env: at('ten') })
      return took
    },
  })
  await run(tailproxy, ['down'], { env: at('warm') })
  return times
}

/** Milliseconds from the sidecar's death to the first new connection that is answered. */
async function recoveries(env) {
  const own = { ...env, TAILPROXY_STATE_DIR: path.join(scratch, 'killed') }
  const times = []
  await run(tailproxy, ['true'], { env: own })
  for (let round = 0; round < 5; round++) {
    const { pid } = JSON.parse(readFileSync(path.join(scratch, 'killed/session.json'), 'utf8'))
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    process.kill(Number(children.split(' ')[0]), 'SIGKILL')
    const begun = performance.now()
    await run(
      tailproxy,
      [
        'curl',
        '-s',
        '-o',
        '/dev/null',
        '--retry',
        '50',
        '--retry-all-errors',
        '--retry-delay',
        '0',
        '--retry-max-time',
        '20',
        'http://hello/',
      ],
      { env: own },
    )
    times.push(performance.now() - begun)
  }
  await run(tailproxy, ['down'], { env: own })
  return times
}

const CONNECT = `const net = require('node:net'); const begun = performance.now()
net.connect(80, 'hello', function () { process.stdout.write(String(performance.now() - begun)); this.destroy() })`

/** Milliseconds of the first connect of nodes that the peer has never heard of. */
async function firstConnects(env) {
  const times = []
  for (let number = 0; number < Number(options.nodes); number++) {
    const own = {
      ...env,
      TAILPROXY_STATE_DIR: path.join(scratch, `first-${number}`),
      TAILPROXY_HOSTNAME: `first-${number}`,
    }
    times.push(Number(await run(tailproxy, [process.execPath, '-e', CONNECT], { env: own })))
    await run(tailproxy, ['down', '--purge'], { env: own })
  }
  return times
}

async function main() {
  const lab = await startLab()
  const env = { ...process.env, TAILPROXY_CONTROL_URL: lab.controlUrl }
  try {
    const times = await starts(env)
    const recovery = await recoveries(env)
    const first = await firstConnects(env)
    if (options.json) {
      console.log(JSON.stringify({ times, recovery, first }))
      return
    }
    const bare = median(times['node -e 0'])
    printTable([
      ['start', 'ms', 'over node -e 0'],
      ...Object.entries(times).map(([name, values]) => [
        name,
        spread(values),
        `${(median(values) - bare).toFixed(0)}`,
      ]),
    ])
    const sorted = first.toSorted((a, b) => a - b)
    const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1]
    console.log(`\nsidecar killed, to the next answer: ${spread(recovery)} ms`)
    console.log(
      `first connect of ${first.length} fresh nodes: ${spread(first)} ms, p99 ${p99.toFixed(0)}`,
    )
  } finally {
    await lab.stop()
  }
}

try {
  await main()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
