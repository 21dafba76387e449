// Runs the Go tests, then each fuzz target for a moment, and writes test-results/results.json.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { BUILD_TAGS } from './tags.mjs'

const FUZZ_TIME = '5s'
const directory = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const env = { ...process.env, CGO_ENABLED: '0' }
const results = { runner: 'sidecar', passed: 0, failed: 0, skipped: 0, skippedFor: [] }

async function go(args, onLine) {
  const child = spawn('go', args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', onLine)
  const [code] = await once(child, 'close')
  return code
}

/** Outcome and output by test; a test with subtests counts by these. */
async function runTests() {
  const tests = new Map()
  const broken = []
  const code = await go(['test', '-json', `-tags=${BUILD_TAGS}`, './...'], (line) => {
    const { Action, Package, Test, Output = '' } = JSON.parse(line)
    const name = `${Package} ${Test ?? ''}`
    const entry = tests.get(name) ?? { output: '', outcome: undefined, isPackage: !Test }
    entry.output += Output
    if (['pass', 'fail', 'skip'].includes(Action)) entry.outcome = Action
    tests.set(name, entry)
  })
  const names = [...tests.keys()]
  for (const [name, { outcome, output, isPackage }] of tests) {
    if (isPackage) {
      const own = names.some((other) => other.startsWith(name) && tests.get(other).outcome === 'fail' && other !== name)
      if (outcome === 'fail' && !own) broken.push(output)
      continue
    }
    if (names.some((other) => other.startsWith(`${name}/`))) continue
    if (outcome === 'pass') results.passed += 1
    else if (outcome === 'skip') {
      results.skipped += 1
      results.skippedFor.push(/needs (.+)/.exec(output)?.[1] ?? name)
    } else {
      results.failed += 1
      console.log(`FAIL ${name}\n${output}`)
    }
  }
  // A package that does not compile, or died, has no test to blame.
  for (const output of broken) console.log(output)
  results.failed += broken.length
  if (code !== 0 && results.failed === 0) results.failed += 1
}

async function fuzz() {
  const targets = []
  let pending = []
  await go(['test', `-tags=${BUILD_TAGS}`, '-list=^Fuzz', './...'], (line) => {
    if (line.startsWith('Fuzz')) pending.push(line.trim())
    const [, name] = /^ok\s+(\S+)/.exec(line) ?? []
    if (name) {
      targets.push(...pending.map((target) => [name, target]))
      pending = []
    }
  })
  for (const [name, target] of targets) {
    let output = ''
    const code = await go(
      ['test', `-tags=${BUILD_TAGS}`, '-run=^$', `-fuzz=^${target}$`, `-fuzztime=${FUZZ_TIME}`, name],
      (line) => {
        output += `${line}\n`
      },
    )
    if (code === 0) results.passed += 1
    else {
      results.failed += 1
      console.log(`FAIL ${name} ${target}\n${output}`)
    }
  }
}

await runTests()
await fuzz()
mkdirSync(path.join(directory, 'test-results'), { recursive: true })
writeFileSync(path.join(directory, 'test-results/results.json'), `${JSON.stringify(results)}\n`)
console.log(`sidecar: ${results.passed} passed, ${results.failed} failed, ${results.skipped} skipped`)
process.exitCode = results.failed === 0 ? 0 : 1
