// What the hooks cost calls that are not theirs: the same program with the library and without, by turns. `make bench-hooks`.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { dialServer } from '../lib/dial-server.mjs'
import { root } from '../lib/harness.mjs'
import { makeLoopback, missing } from '../lib/toolchain.mjs'

const TURNS = 9
const program = path.join(root, 'build/bench/hooks')

function measure(env) {
  const { stdout, status } = spawnSync(program, [], { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ended with status ${status}`)
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
}

function add(costs, rows) {
  for (const [name, cost] of rows) costs[name] = [...(costs[name] ?? []), Number(cost)]
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

if (missing.go) throw new Error('the dial socket needs go')
makeLoopback()
const undo = []
const dial = await dialServer({ defer: (action) => undo.push(action) })
// As in a program whose listeners are exported: accept() looks who connects. The listener here is private, so nobody is told of it.
const exporting = { TAILPROXY_EXPORT_LISTENERS: '1', TAILPROXY_CONTROL_SOCK: '/nonexistent' }
const bare = {}
const hooked = {}
for (let turn = 0; turn < TURNS; turn++) {
  add(bare, measure({}))
  add(hooked, measure({ ...dial.env, ...exporting }))
}
process.stdout.write('call          bare ns  hooked ns  difference\n')
for (const name of Object.keys(bare)) {
  const [without, within] = [median(bare[name]), median(hooked[name])]
  const columns = [String(without).padStart(7), String(within).padStart(10)]
  process.stdout.write(
    `${name.padEnd(14)}${columns.join(' ')} ${String(within - without).padStart(11)}\n`,
  )
}
for (const action of undo.reverse()) await action()
