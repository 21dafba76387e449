// What an export costs: the lab's services on loopback behind `tailproxy export`, beside the same services behind a bare
// tsnet.Listen in process. A tsnet client measures both, in alternating rounds of one run, as ratios of medians.
// Usage: node test/bench/exports.mjs [--rounds N] [--json]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/turbo.mjs'
import { buildFlags, goEnvironment } from '../../sidecar/scripts/go.mjs'
import { endAll, median, printTable, run, serve, spread } from './support/run.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})

const METRICS = [
  { name: 'first', what: 'connect to first byte', unit: 'µs', port: 7, amount: 500 },
  { name: 'parallel', what: '50 at once', unit: 'connects/s', port: 7, amount: 2000 },
  { name: 'rtt', what: 'round trip', unit: 'µs', port: 7, amount: 2000 },
  { name: 'rtt-udp', what: 'round trip, UDP', unit: 'µs', port: '7/udp', amount: 2000 },
  { name: 'up', what: 'to the export', unit: 'Mbit/s', port: 9, amount: 300 },
  { name: 'down', what: 'from the export', unit: 'Mbit/s', port: 19, amount: 300 },
  { name: 'up8', what: 'to it, 8 streams', unit: 'Mbit/s', port: 9, amount: 400 },
  { name: 'down8', what: 'from it, 8 streams', unit: 'Mbit/s', port: 19, amount: 400 },
]

const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))
const tailproxy = path.join(root, 'node_modules/.bin/tailproxy')
const bench = path.join(scratch, 'tailproxy-bench')
const background = []

async function start(file, args, env) {
  const { child, said } = await serve(file, args, { env: { ...process.env, ...env } })
  background.push(child)
  return said
}

async function main() {
  const sidecar = path.join(root, 'sidecar')
  await run('go', ['build', ...buildFlags, '-o', bench, './cmd/tailproxy-bench'], {
    cwd: sidecar,
    env: goEnvironment,
  })
  const { controlUrl } = await start(tailproxy, ['lab', '--json'])
  const local = await start(bench, ['serve'])
  const { host } = await start(bench, ['listen', controlUrl])
  const { node } = await start(
    tailproxy,
    ['export', '--json', ...Object.entries(local).map(([of, at]) => of.replace(/^\d+/, at))],
    {
      TAILPROXY_CONTROL_URL: controlUrl,
      TAILPROXY_HOSTNAME: 'export',
      TAILPROXY_STATE_DIR: path.join(scratch, 'state'),
      TAILPROXY_FOREGROUND: '1',
    },
  )
  const ways = {
    'tsnet.Listen': ({ name, port, amount }) => [name, host, Number.parseInt(port, 10), amount],
    export: ({ name, port, amount }) => [name, node.addresses[0], local[port], amount],
  }
  const results = {}
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const metric of METRICS) {
      const order = Object.entries(ways)
      // Alternating, so that what slows the machine for a while slows each of them.
      if (round % 2 === 1) order.reverse()
      for (const [way, words] of order) {
        const value = Number(await run(bench, ['dial', controlUrl, ...words(metric).map(String)]))
        results[metric.name] ??= {}
        results[metric.name][way] ??= []
        results[metric.name][way].push(value)
      }
    }
  }
  if (options.json) console.log(JSON.stringify(results))
  else print(results)
}

function print(results) {
  const table = [['', 'unit', 'tsnet.Listen', 'export', 'ratio']]
  for (const { name, what, unit } of METRICS) {
    const { 'tsnet.Listen': bare, export: ours } = results[name]
    const ratio = `${(median(ours) / median(bare)).toFixed(2)}×`
    table.push([what, unit, spread(bare), spread(ours), ratio])
  }
  printTable(table)
}

try {
  await main()
} finally {
  await endAll(background)
  rmSync(scratch, { recursive: true, force: true })
}
