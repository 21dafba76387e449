// The life of an exported listener: what listen() takes of a program, beside one that is not exported, and how long after a SIGKILL of
// the program the tailnet is refused.
// Usage: node test/bench/listeners.mjs [--rounds N] [--json]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/turbo.mjs'
import { startLab } from './support/lab.mjs'
import { printTable, spread } from './support/run.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-bench-'))
const tailproxy = path.join(root, 'packages/cli/bin/tailproxy.cjs')
const program = (name) => fileURLToPath(new URL(`listeners/${name}`, import.meta.url))

/** A program that is asked by lines and answers each by one. */
class Asked {
  #child
  #lines

  constructor(words, env) {
    this.#child = spawn(tailproxy, words, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async ask(line) {
    this.#child.stdin.write(`${line}\n`)
    const { value } = await this.#lines.next()
    return JSON.parse(value)
  }

  async end() {
    this.#child.stdin.end()
    await once(this.#child, 'close')
  }
}

async function main(env) {
  const at = (name) => ({
    ...env,
    TAILPROXY_STATE_DIR: path.join(scratch, name),
    TAILPROXY_HOSTNAME: name,
    TAILPROXY_FOREGROUND: '1',
  })
  const exporting = new Asked(
    ['--export-listeners', process.execPath, program('servers.mjs')],
    at('export'),
  )
  const plain = new Asked([process.execPath, program('servers.mjs')], at('plain'))
  const peer = new Asked([process.execPath, program('peer.mjs')], at('peer'))
  const times = { listen: [], 'listen, exported': [], refused: [] }
  try {
    for (let round = 0; round < rounds; round++) {
      const alone = await plain.ask('start')
      await plain.ask(`kill ${alone.pid}`)
      times.listen.push(alone.listenMs)
      const server = await exporting.ask('start')
      times['listen, exported'].push(server.listenMs)
      await peer.ask(`connect export ${server.port}`)
      const refused = peer.ask(`until-refused export ${server.port}`)
      const killed = await exporting.ask(`kill ${server.pid}`)
      times.refused.push((await refused).at - killed.at)
    }
  } finally {
    for (const each of [peer, plain, exporting]) await each.end()
  }
  return times
}

const lab = await startLab()
try {
  const times = await main({ ...process.env, TAILPROXY_CONTROL_URL: lab.controlUrl })
  if (options.json) console.log(JSON.stringify(times))
  else {
    printTable([
      ['', 'ms'],
      ['listen(), not exported', spread(times.listen)],
      ['listen(), exported', spread(times['listen, exported'])],
      ['SIGKILL to the refusal', spread(times.refused)],
    ])
  }
} finally {
  await lab.stop()
  rmSync(scratch, { recursive: true, force: true })
}
