// How many round trips a connect by name takes: the first of a fresh node, the next, and those after pauses; beside a bare tsnet.Dial. The
// path is a relay's, on which WireGuard's handshakes take as long as data. With a pause of more than 180 s a session would run out.
// Usage: node test/bench/second-connect.mjs [--rounds N] [--delay MS] [--pauses SECONDS,…] [--at-once] [--json]
// --at-once has all rounds pause together.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/turbo.mjs'
import { buildFlags, goEnvironment } from '../../sidecar/scripts/go.mjs'
import { RELAY_ONLY, startLab } from './support/lab.mjs'
import { median, printTable, run } from './support/run.mjs'

const ECHO = '7'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    delay: { type: 'string', default: '100' },
    pauses: { type: 'string', default: '0,5' },
    'at-once': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
const delayMs = Number(options.delay)
const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))
const tailproxy = path.join(root, 'packages/cli/bin/tailproxy.cjs')
const bench = path.join(scratch, 'tailproxy-bench')
const program = path.join(root, 'test/bench/second-connect/connect.mjs')

/** Milliseconds of each connect, by way; `number` tells the rounds' nodes apart. */
const ways = {
  TailProxy: (env, number) =>
    run(tailproxy, [process.execPath, program, 'hello', ECHO, options.pauses], {
      env: {
        ...env,
        TAILPROXY_FOREGROUND: '1',
        TAILPROXY_HOSTNAME: `second-${number}`,
        TAILPROXY_STATE_DIR: path.join(scratch, `state-${number}`),
      },
    }),
  'tsnet.Dial': (env) =>
    run(bench, ['pauses', env.TAILPROXY_CONTROL_URL, 'hello', ECHO, options.pauses], { env }),
}

async function measure(env) {
  const results = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
  const all = []
  for (let number = 0; number < rounds; number++) {
    for (const [way, connects] of Object.entries(ways)) {
      const done = connects(env, number).then((times) => results[way].push(JSON.parse(times)))
      all.push(done)
      if (!options['at-once']) await done
    }
  }
  await Promise.all(all)
  return results
}

function print(results) {
  const trips = (values) => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return [median(values), low, high].map((ms) => (ms / delayMs).toFixed(2))
  }
  console.log(`Round trips of ${delayMs} ms, ${rounds} rounds: median (lowest–highest)\n`)
  const which = ['first', ...options.pauses.split(',').map((pause) => `${pause} s later`)]
  printTable([
    ['connect by name', ...Object.keys(ways)],
    ...which.map((name, at) => [
      name,
      ...Object.values(results).map((times) => {
        const [middle, low, high] = trips(times.map((values) => values[at]))
        return `${middle} (${low}–${high})`
      }),
    ]),
  ])
}

async function main() {
  await run('go', ['build', ...buildFlags, '-o', bench, './cmd/tailproxy-bench'], {
    cwd: path.join(root, 'sidecar'),
    env: goEnvironment,
  })
  const lab = await startLab({ delayMs, relayed: true })
  try {
    const results = await measure({
      ...process.env,
      ...RELAY_ONLY,
      TAILPROXY_CONTROL_URL: lab.controlUrl,
    })
    if (options.json) console.log(JSON.stringify(results))
    else print(results)
  } finally {
    await lab.stop()
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`second-connect: ${error.message}\n`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
