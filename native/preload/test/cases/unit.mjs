// The pure helpers, alone, and once more under the sanitizers.
import { equal } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { boardVectors } from '../lib/board-vectors.mjs'
import { root, test } from '../lib/harness.mjs'
import { nameVectors } from '../lib/name-vectors.mjs'
import { start } from '../lib/program.mjs'
import { make, missing } from '../lib/toolchain.mjs'

const vectors = path.join(root, '../../packages/sidecar/vectors/errors.json')

/** Replies with their errno as numbers, as the unit test of the reader takes them. */
export const replies = JSON.parse(readFileSync(vectors, 'utf8')).replies

const units = readdirSync(path.join(root, 'test/unit'))
  .filter((name) => name.endsWith('-test.c'))
  .map((name) => name.slice(0, -2))

function readTap(output) {
  const results = []
  for (const line of output.split('\n')) {
    const [, not, name] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (name !== undefined) results.push({ name, error: not ? '' : undefined })
    else if (line.startsWith('#') && results.at(-1)?.error !== undefined)
      results.at(-1).error += line
  }
  for (const result of results) {
    if (result.error !== undefined) result.error = new Error(result.error)
  }
  return results
}

/** What a unit test takes from the vectors. */
const unitArguments = {
  'board-test': boardVectors,
  'name-message-test': nameVectors,
  'socks5-test': () =>
    replies.flatMap(({ reply, errno }) => [String(reply), String(os.constants.errno[errno])]),
}

const EMULATED = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']

async function runUnit(context, unit, flavour, directory = 'build', emulator = []) {
  const binary = path.join(root, directory, 'unit', flavour, unit)
  const [command, ...args] = [...emulator, binary, ...(unitArguments[unit]?.() ?? [])]
  const program = start(context, command, args)
  const { status, stdout, stderr } = await program.ended
  const results = readTap(stdout)
  if (results.every(({ error }) => !error)) equal(status, 0, stderr)
  return results
}

for (const unit of units) {
  test(`unit ${unit.slice(0, -5)}`, (context) => runUnit(context, unit, 'plain'))
}

async function wholeUnit(context, ...args) {
  for (const { name, error } of await runUnit(context, ...args)) {
    if (error) throw new Error(name, { cause: error })
  }
}

for (const unit of units) {
  const name = `unit ${unit.slice(0, -5)} under AddressSanitizer and UBSan`
  test(name, (context) => wholeUnit(context, unit, 'asan'), { needs: missing.asan })
}
for (const unit of units) {
  test(
    `unit ${unit.slice(0, -5)} on aarch64`,
    (context) => wholeUnit(context, unit, 'plain', 'build/aarch64', EMULATED),
    { needs: missing.aarch64 },
  )
}
for (const unit of ['flow-test', 'stand-in-test']) {
  const name = `unit ${unit.slice(0, -5)} under ThreadSanitizer`
  test(name, (context) => wholeUnit(context, unit, 'tsan'), { needs: missing.tsan })
}

async function fuzz(context, program, args) {
  const { status, stderr } = await start(context, path.join(root, 'build/fuzz', program), args)
    .ended
  equal(status, 0, stderr)
}

test('the reply reader withstands 300,000 mutated replies', (c) => fuzz(c, 'reply', ['300000']), {
  needs: missing.asan,
})
test('the board’s readers withstand 300,000 of them', (c) => fuzz(c, 'board', ['300000']), {
  needs: missing.asan,
})
test('the readers of answers withstand 300,000 of them', (c) => fuzz(c, 'answer', ['300000']), {
  needs: missing.asan,
})
test(
  'the reader of control lines withstands 300,000 of them',
  (c) => fuzz(c, 'control', ['300000']),
  {
    needs: missing.asan,
  },
)
test('what waits for a welcome withstands 10,000 of them', (c) => fuzz(c, 'welcome', ['10000']), {
  needs: missing.asan,
})
// Whichever comes first, the runs or the seconds: what a busy machine gets done in its time is no failure.
const LIBFUZZER = ['-runs=300000', '-max_total_time=20', '-seed=1', '-max_len=600']
test(
  'the reply reader withstands libFuzzer',
  (context) => {
    make('fuzzer-clang')
    return fuzz(context, 'reply-libfuzzer', LIBFUZZER)
  },
  { needs: missing.clang },
)
