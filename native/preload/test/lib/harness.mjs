// Tests by name, one after another, reported as TAP and summed up in test-results/results.json.
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { nullDeviceComplaint } from './null-device.mjs'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

const TEST_LIMIT_MS = 60_000
const tests = []

/** `needs`: what is missing for this test, or undefined when it can run. */
export function test(name, run, { needs } = {}) {
  tests.push({ name, run, needs })
}

class TestTimeoutError extends Error {
  name = 'TestTimeoutError'
}

/** What a test leaves to be undone goes here; it runs in reverse order, whatever became of the test. */
class Context {
  #undo = []
  /** What the test has run with the library: { program, way }. */
  runs = []

  /** `watch`: { watcher, programs }, who watches which of these; undefined: nobody. */
  constructor(watch) {
    this.watch = watch
  }

  defer(action) {
    this.#undo.push(action)
  }

  /** Throws what went wrong first, after the rest has been undone too. */
  async close() {
    const errors = []
    for (const action of this.#undo.reverse()) {
      try {
        await action()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}

async function runOne({ run }, watch) {
  const context = new Context(watch)
  let timer
  const limit = new Promise((_, reject) => {
    const error = new TestTimeoutError(`not done after ${TEST_LIMIT_MS} ms`)
    timer = setTimeout(() => reject(error), TEST_LIMIT_MS)
  })
  try {
    const inner = await Promise.race([run(context), limit])
    return { inner, runs: context.runs }
  } finally {
    clearTimeout(timer)
    await context.close()
  }
}

/**
 * A test may return [{ name, error? }], the results of a program that reports in TAP itself. Once it has passed it is run again
 * by each of the `watchers` that chooses what it has run.
 */
export async function runTests(filter, watchers = []) {
  const results = { passed: 0, failed: 0, skipped: 0 }
  const skippedFor = new Set()
  const failures = []
  let number = 0
  const report = (name, error) => {
    number += 1
    results[error ? 'failed' : 'passed'] += 1
    console.log(`${error ? 'not ok' : 'ok'} ${number} - ${name}`)
    if (!error) return
    const output = String(error.stack ?? error)
    failures.push({ name, output })
    console.log(output.replace(/^/gm, '  # '))
    // It may have become so while tests ran.
    const complaint = nullDeviceComplaint()
    if (complaint) console.log(`  # ${complaint}`)
  }
  const perform = async ({ name, run, needs }, watch) => {
    if (needs) {
      number += 1
      results.skipped += 1
      skippedFor.add(needs)
      console.log(`ok ${number} - ${name} # SKIP needs ${needs}`)
      return []
    }
    try {
      const { inner, runs } = await runOne({ run }, watch)
      if (!Array.isArray(inner)) report(name)
      else for (const one of inner) report(`${name}: ${one.name}`, one.error)
      return runs
    } catch (error) {
      report(name, error)
      return []
    }
  }
  for (const entry of tests) {
    if (filter && !entry.name.includes(filter)) continue
    const runs = await perform(entry)
    for (const watcher of watchers) {
      const programs = watcher.choose(runs)
      if (programs.size === 0) continue
      const { run } = entry
      const name = `${entry.name}, under ${watcher.name}`
      await perform({ name, run, needs: watcher.needs }, { watcher, programs })
    }
  }
  console.log(`1..${number}`)
  const { passed, failed, skipped } = results
  console.log(`# ${passed} passed, ${failed} failed, ${skipped} skipped`)
  const directory = path.join(root, 'test-results')
  await mkdir(directory, { recursive: true })
  const summary = {
    runner: 'native/preload',
    ...results,
    skippedFor: [...skippedFor],
    failures,
  }
  await writeFile(path.join(directory, 'results.json'), `${JSON.stringify(summary)}\n`)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}
