// Runs gofmt and go vet, every Go test, then every fuzz target for a moment, and writes
// test-results/results.json: {runner, passed, failed, skipped, skippedFor, failures}.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { buildFlags, findGo, goEnvironment, root } from './go.mjs'

// Runs, about five seconds' worth: with a time, Go 1.26 fails now and then when it is over
// (https://go.dev/issue/75804).
const FUZZ_TIME = '60000x'
const TEST_LIMIT = '300s'
const NEEDS = /needs (.+)/

const results = { passed: 0, failed: 0, skipped: 0 }
const skippedFor = new Set()
const failures = []

function fail(name, output) {
  results.failed += 1
  failures.push({ name, output })
  console.log(`FAIL ${name}\n${output}`)
}

function report() {
  const directory = path.join(root, 'test-results')
  mkdirSync(directory, { recursive: true })
  const all = { runner: 'sidecar', ...results, skippedFor: [...skippedFor], failures }
  writeFileSync(path.join(directory, 'results.json'), `${JSON.stringify(all)}\n`)
  console.log(
    `sidecar: ${results.passed} passed, ${results.failed} failed, ${results.skipped} skipped`,
  )
  process.exitCode = results.failed === 0 ? 0 : 1
}

/** Runs a tool and hands each line of its output to `onLine`; resolves to the exit status. */
async function run(tool, args, onLine) {
  const child = spawn(tool, args, {
    cwd: root,
    env: goEnvironment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) onLine(line)
  const [status] = await closed
  return status
}

const go = (args, onLine) => run('go', args, onLine)

/** Counts as one test, which passes when the tool has nothing to say. */
async function runCheck(title, tool, args) {
  const output = []
  const status = await run(tool, args, (line) => output.push(line))
  if (status === 0 && output.length === 0) {
    results.passed += 1
    return
  }
  fail(title, output.join('\n'))
}

/** One `go test -json` run. A test with subtests is not counted: they are. */
class TestRun {
  /** @type {Map<string, {output: string[], outcome?: string, isParent: boolean}>} */
  #tests = new Map()

  #test(event) {
    const key = `${event.Package} ${event.Test ?? ''}`
    if (!this.#tests.has(key)) this.#tests.set(key, { output: [], isParent: false })
    return this.#tests.get(key)
  }

  read(line) {
    let event
    try {
      event = JSON.parse(line)
    } catch {
      console.log(line)
      return
    }
    if (event.Action === 'build-output') process.stdout.write(event.Output)
    if (!event.Package) return
    const test = this.#test(event)
    if (event.Action === 'output') test.output.push(event.Output)
    if (event.Test?.includes('/')) this.#markParents(event)
    if (['pass', 'fail', 'skip'].includes(event.Action)) test.outcome = event.Action
  }

  #markParents(event) {
    const names = event.Test.split('/')
    for (let depth = 1; depth < names.length; depth++) {
      this.#test({ ...event, Test: names.slice(0, depth).join('/') }).isParent = true
    }
  }

  /** Counts what ran and prints what failed. */
  finish() {
    for (const [key, test] of this.#tests) {
      const [pkg, name] = key.split(' ')
      if (name === '') this.#countPackage(pkg, test)
      else this.#countTest(key, test)
    }
  }

  // A package fails by its tests, or on its own: it was not built, a panic, the time limit.
  #countPackage(pkg, test) {
    if (test.outcome !== 'fail') return
    const failedTests = [...this.#tests].some(
      ([key, { outcome }]) => outcome === 'fail' && key.startsWith(`${pkg} `) && key !== `${pkg} `,
    )
    if (failedTests) return
    fail(pkg, test.output.join(''))
  }

  #countTest(key, test) {
    // No outcome: the process ended with this test under way.
    const outcome = test.outcome ?? 'fail'
    if (test.isParent && !(outcome === 'fail' && !this.#childFailed(key))) return
    if (outcome === 'pass') results.passed += 1
    if (outcome === 'fail') fail(key, test.output.join(''))
    if (outcome === 'skip') {
      results.skipped += 1
      skippedFor.add(NEEDS.exec(test.output.join(''))?.[1].trim() ?? key)
    }
  }

  #childFailed(key) {
    return [...this.#tests].some(
      ([other, { outcome }]) => other.startsWith(`${key}/`) && (outcome ?? 'fail') === 'fail',
    )
  }
}

async function runTests() {
  const tests = new TestRun()
  const status = await go(
    ['test', '-json', `-timeout=${TEST_LIMIT}`, ...buildFlags, './...'],
    (line) => tests.read(line),
  )
  tests.finish()
  if (status !== 0 && results.failed === 0) {
    fail('go test', `ended with status ${status}`)
  }
}

async function fuzzTargets() {
  const targets = []
  await go(['test', '-json', ...buildFlags, '-list=^Fuzz', './...'], (line) => {
    const { Action, Package, Output } = JSON.parse(line)
    if (Action === 'output' && Output.startsWith('Fuzz')) {
      targets.push({ pkg: Package, name: Output.trim() })
    }
  })
  return targets
}

async function runFuzz({ pkg, name }) {
  const output = []
  const status = await go(
    ['test', ...buildFlags, '-run=^$', `-fuzz=^${name}$`, `-fuzztime=${FUZZ_TIME}`, pkg],
    (line) => output.push(line),
  )
  if (status === 0) {
    results.passed += 1
    return
  }
  fail(`${pkg} ${name} (fuzzing)`, output.join('\n'))
}

if (findGo()) {
  await runCheck('gofmt', 'gofmt', ['-l', 'cmd', 'internal'])
  await runCheck('go vet', 'go', ['vet', ...buildFlags, './...'])
  await runTests()
  for (const target of await fuzzTargets()) await runFuzz(target)
} else {
  results.skipped = 1
  skippedFor.add('Go 1.26 or newer')
}
report()
