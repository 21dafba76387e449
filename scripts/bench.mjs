// Connects, round trips and throughput through TailProxy, by the dial socket and by SOCKS5, beside a
// bare tsnet.Dial and the kernel's loopback: the same work four ways, in alternating rounds of one
// run, as ratios of medians. With --long instead: 100,000 connects one after another, the program
// closing first and the peer closing first, and whether they get slower.
// Usage: pnpm bench [--rounds N] [--long] [--json]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { buildFlags, goEnvironment } from '../sidecar/scripts/go.mjs'
import { endAll, median, printTable, run, serve, spread } from '../test/bench/support/run.mjs'
import { requireToolchain } from './toolchain.mjs'
import { root, runTurbo } from './turbo.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    long: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`bench: --rounds is "${options.rounds}"; allowed is a number from 1\n`)
  process.exit(125)
}

const METRICS = [
  { name: 'connect', unit: 'µs', port: 7, amount: 500, better: 'less' },
  { name: 'parallel', unit: 'connects/s', port: 7, amount: 2000, better: 'more' },
  { name: 'rtt', unit: 'µs', port: 7, amount: 2000, better: 'less' },
  { name: 'up', unit: 'Mbit/s', port: 9, amount: 300, better: 'more' },
  { name: 'down', unit: 'Mbit/s', port: 19, amount: 300, better: 'more' },
]

const LONG = [
  { name: 'closing', who: 'the program closes first', port: 7, amount: 100_000 },
  { name: 'closed', who: 'the peer closes first', port: 80, amount: 100_000 },
]

const { compiler } = requireToolchain()
const status = await runTurbo([
  'run',
  'build',
  '--filter=@tailproxy/cli',
  '--filter=@tailproxy/native-sidecar',
  '--filter=@tailproxy/native-preload',
  '--output-logs=errors-only',
])
if (status !== 0) process.exit(status)

const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))
const tailproxy = path.join(root, 'node_modules/.bin/tailproxy')
const client = path.join(scratch, 'client')
const bench = path.join(scratch, 'tailproxy-bench')
const background = []

/** Starts what stays for the whole run; its first line is JSON. */
async function start(file, args, env = process.env) {
  const { child, said } = await serve(file, args, { env })
  background.push(child)
  return said
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\u001b[K`)
}

async function main() {
  await run(compiler, ['-O2', '-pthread', '-o', client, path.join(root, 'test/bench/client.c')])
  await run('go', ['build', ...buildFlags, '-o', bench, './cmd/tailproxy-bench'], {
    cwd: path.join(root, 'sidecar'),
    env: goEnvironment,
  })
  const { controlUrl, nodes } = await start(tailproxy, ['lab', '--json'])
  const hello = nodes.find(({ name }) => name.startsWith('hello.')).addresses[0]
  const env = (name) => ({
    ...process.env,
    TAILPROXY_CONTROL_URL: controlUrl,
    TAILPROXY_HOSTNAME: name,
    TAILPROXY_STATE_DIR: path.join(scratch, name),
    TAILPROXY_FOREGROUND: '1',
  })
  const wrapped = ({ name, port, amount }) =>
    run(tailproxy, [client, name, hello, String(port), String(amount)], { env: env('wrapped') })
  if (options.long) {
    await measureLong(wrapped)
    return
  }
  // The loopback's servers: echo, discard and chargen as `hello` has them.
  const local = await start(bench, ['serve'])
  const socks = await start(tailproxy, ['--json'], env('socks'))
  const ways = {
    loopback: ({ name, port, amount }) =>
      run(client, [name, '127.0.0.1', String(local[port]), String(amount)]),
    'tsnet.Dial': ({ name, port, amount }) =>
      run(bench, ['dial', controlUrl, name, hello, String(port), String(amount)]),
    tailproxy: wrapped,
    // What the library does without a dial socket: with the SOCKS5 server of anybody.
    'by SOCKS5': ({ name, port, amount }) =>
      run(client, [name, hello, String(port), String(amount)], { env: preloaded(socks) }),
  }
  const results = {}
  for (let round = 0; round < rounds; round++) {
    for (const metric of METRICS) {
      const order = Object.entries(ways)
      // Alternating, so that what slows the machine for a while slows each of them.
      if (round % 2 === 1) order.reverse()
      for (const [way, measure] of order) {
        progress(`round ${round + 1} of ${rounds}: ${metric.name}, ${way}`)
        const value = Number(await measure(metric))
        results[metric.name] ??= {}
        results[metric.name][way] ??= []
        results[metric.name][way].push(value)
      }
    }
  }
  progress('')
  if (options.json) console.log(JSON.stringify(results))
  else print(results)
}

function preloaded({ address, user, password }) {
  const [host, port] = address.split(':')
  return {
    ...process.env,
    LD_PRELOAD: path.join(root, 'native/preload/dist/libtailproxy.so'),
    TAILPROXY_HOST: host,
    TAILPROXY_PORT: port,
    TAILPROXY_PRELOAD_USER: user,
    TAILPROXY_PRELOAD_PASSWORD: password,
  }
}

async function measureLong(measure) {
  const results = {}
  for (const metric of LONG) {
    progress(`${metric.amount} connects, ${metric.who}`)
    const [first, last, percentile99, slowest] = (await measure(metric))
      .trim()
      .split(' ')
      .map(Number)
    results[metric.name] = { amount: metric.amount, first, last, percentile99, slowest }
  }
  progress('')
  if (options.json) {
    console.log(JSON.stringify(results))
    return
  }
  console.log('Connects one after another through TailProxy, in µs.\n')
  const table = [['', 'connects', 'first tenth', 'last tenth', '99th percentile', 'slowest']]
  for (const { name, who } of LONG) {
    table.push([who, ...Object.values(results[name]).map(String)])
  }
  printTable(table)
}

function print(results) {
  console.log(
    `Medians of ${rounds} alternating rounds, with lowest and highest. TailProxy is an unmodified C`,
  )
  console.log(
    'client under the preload library, by the dial socket and, without one, by SOCKS5; a ratio is',
  )
  console.log('that to tsnet.Dial.\n')
  const ours = ['tailproxy', 'by SOCKS5']
  const table = [
    ['', 'unit', 'loopback', 'tsnet.Dial', ...ours.flatMap((way) => [way, 'ratio']), 'better is'],
  ]
  for (const { name, unit, better } of METRICS) {
    const { loopback, 'tsnet.Dial': dial } = results[name]
    const cells = ours.flatMap((way) => {
      const values = results[name][way]
      return [spread(values), `${(median(values) / median(dial)).toFixed(2)}×`]
    })
    table.push([name, unit, spread(loopback), spread(dial), ...cells, better])
  }
  printTable(table)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = 1
} finally {
  await endAll(background)
  rmSync(scratch, { recursive: true, force: true })
}
