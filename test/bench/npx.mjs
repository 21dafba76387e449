// From `npx` with a warm cache to the first byte of output, beside a package that only prints a line, from a registry of our own.
// Usage: node test/bench/npx.mjs [--rounds N] [--json]; the platform's packages have to be assembled
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Registry } from '../registry/support/registry.mjs'
import { startLab } from './support/lab.mjs'
import { median, printTable, run, spread } from './support/run.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
})
const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))

/** What npx costs by itself. */
function trivialPackage() {
  const directory = path.join(scratch, 'trivial')
  mkdirSync(directory)
  const manifest = { name: 'trivial-say', version: '1.0.0', bin: 'say.js' }
  writeFileSync(path.join(directory, 'package.json'), JSON.stringify(manifest))
  writeFileSync(path.join(directory, 'say.js'), '#!/usr/bin/env node\nconsole.log("moo")\n')
  return directory
}

/** Milliseconds to the first byte that it writes. */
async function firstByte(words, env) {
  const begun = performance.now()
  const child = spawn('npx', ['--yes', ...words], {
    ...{ env, cwd: env.HOME },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  await once(child.stdout, 'data')
  const took = performance.now() - begun
  child.stdout.resume()
  const [status] = await ended
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}`)
  return took
}

function rowsOf(times) {
  const trivial = median(times['a trivial package'])
  const rows = Object.entries(times).map(([name, values]) => [
    name,
    spread(values),
    `${(median(values) / trivial).toFixed(2)}x`,
  ])
  return [['npx, to the first byte', 'ms', 'of a trivial package'], ...rows]
}

const registry = await Registry.start()
const lab = await startLab()
try {
  await registry.publishOurs()
  await registry.publish(trivialPackage())
  const env = {
    ...process.env,
    HOME: path.join(scratch, 'home'),
    npm_config_registry: registry.url,
    npm_config_update_notifier: 'false',
    TAILPROXY_CONTROL_URL: lab.controlUrl,
    TAILPROXY_STATE_DIR: path.join(scratch, 'state'),
  }
  mkdirSync(env.HOME)
  const cold = { ...env, TAILPROXY_STATE_DIR: path.join(scratch, 'cold') }
  const things = {
    'a trivial package': () => firstByte(['trivial-say'], env),
    'tailproxy --version': () => firstByte(['@tailproxy/cli', '--version'], env),
    'tailproxy echo, warm': () => firstByte(['@tailproxy/cli', 'echo', 'moo'], env),
    'tailproxy echo, cold': async () => {
      const took = await firstByte(['@tailproxy/cli', 'echo', 'moo'], cold)
      await run('npx', ['--yes', '@tailproxy/cli', 'down'], { env: cold, cwd: cold.HOME })
      return took
    },
  }
  const times = Object.fromEntries(Object.keys(things).map((name) => [name, []]))
  // The first round fills the cache and starts the session.
  for (let round = -1; round < Number(options.rounds); round++) {
    for (const [name, thing] of Object.entries(things)) {
      const took = await thing()
      if (round >= 0) times[name].push(took)
    }
  }
  await run('npx', ['--yes', '@tailproxy/cli', 'down'], { env, cwd: env.HOME })
  if (options.json) console.log(JSON.stringify(times))
  else printTable(rowsOf(times))
} finally {
  await lab.stop()
  await registry.stop()
  rmSync(scratch, { recursive: true, force: true })
}
