// Whether many connects exhaust anything, or slow down: 100,000 one after another, closed by the program first and by the peer first,
// and 5,000 pending at once to a peer that does not answer, waited for and given up.
// Usage: node test/bench/sequential.mjs [--count N] [--pending N] [--json]
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/turbo.mjs'
import { startLab } from './support/lab.mjs'
import { printTable, run } from './support/run.mjs'

const ECHO = 7
const CLOSER = 4001

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    pending: { type: 'string', default: '5000' },
    json: { type: 'boolean', default: false },
  },
})

const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))
const tailproxy = path.join(root, 'node_modules/.bin/tailproxy')
const program = path.join(scratch, 'sequential')

async function main() {
  await run('cc', ['-O2', '-o', program, path.join(root, 'test/bench/sequential.c')])
  const closer = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end()
    socket.resume()
  }).listen(0, '127.0.0.1')
  await once(closer, 'listening')
  const lab = await startLab()
  try {
    await lab.forward(CLOSER, `127.0.0.1:${closer.address().port}`)
    const gone = await lab.blackHole()
    const env = {
      ...process.env,
      TAILPROXY_CONTROL_URL: lab.controlUrl,
      TAILPROXY_STATE_DIR: path.join(scratch, 'state'),
      TAILPROXY_FOREGROUND: '1',
    }
    const measure = async (...args) => JSON.parse(await run(tailproxy, [program, ...args], { env }))
    const results = {
      program: await measure('program', lab.hello, String(ECHO), options.count),
      peer: await measure('peer', lab.hello, String(CLOSER), options.count),
      pending: await measure('pending', gone, '80', options.pending),
      'given-up': await measure('given-up', gone, '80', options.pending),
    }
    if (options.json) console.log(JSON.stringify(results))
    else print(results)
  } finally {
    await lab.stop()
    closer.close()
  }
}

function print(results) {
  console.log(
    `${options.count} connects one after another; connects a second in each tenth of them.\n`,
  )
  const tenths = Array.from({ length: 10 }, (_, i) => `${i + 1}.`)
  const table = [['closed first by', ...tenths]]
  for (const first of ['program', 'peer']) {
    table.push([`the ${first}`, ...results[first].perSecond.map(String)])
  }
  printTable(table)
  for (const name of ['pending', 'given-up']) {
    const { pending, early, startMs, endedMs, ended } = results[name]
    const outcome = Object.entries(ended).map(([error, count]) => `${count} × ${error}`)
    console.log(
      `\n${pending} pending at once after ${startMs} ms, ${early} with an early event; ${
        name === 'pending' ? outcome.join(', ') : 'all given up'
      } after ${endedMs} ms.`,
    )
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`sequential: ${error.message}\n`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
