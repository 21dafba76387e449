// Tests by name, one after another, reported as TAP and summed up in test-results/results.json.
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

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

  defer(action) {
    this.#undo.push(action)
  }

  async close() {
    for (const action of this.#undo.reverse()) await action()
  }
}

async function runOne({ run }) {
  const context = new Context()
  let timer
  const limit = new Promise((_, reject) => {
    const error = new TestTimeoutError(`not done after ${TEST_LIMIT_MS} ms`)
    timer = setTimeout(() => reject(error), TEST_LIMIT_MS)
  })
  try {
    return await Promise.race([run(context), limit])
  } finally {
    clearTimeout(timer)
    await context.close()
  }
}

/** A test may return [{ name, error? }], the results of a program that reports in TAP itself. */
export async function runTests(filter) {
  const results = { passed: 0, failed: 0, skipped: 0 }
  const skippedFor = new Set()
  let number = 0
  const report = (name, error) => {
    number += 1
    results[error ? 'failed' : 'passed'] += 1
    console.log(`${error ? 'not ok' : 'ok'} ${number} - ${name}`)
    if (error) console.log(String(error.stack ?? error).replace(/^/gm, '  # '))
  }
  for (const entry of tests) {
    if (filter && !entry.name.includes(filter)) continue
    if (entry.needs) {
      number += 1
      results.skipped += 1
      skippedFor.add(entry.needs)
      console.log(`ok ${number} - ${entry.name} # SKIP needs ${entry.needs}`)
      continue
    }
    try {
      const inner = await runOne(entry)
      if (!Array.isArray(inner)) report(entry.name)
      else for (const { name, error } of inner) report(`${entry.name}: ${name}`, error)
    } catch (error) {
      report(entry.name, error)
    }
  }
  console.log(`1..${number}`)
  const { passed, failed, skipped } = results
  console.log(`# ${passed} passed, ${failed} failed, ${skipped} skipped`)
  const directory = path.join(root, 'test-results')
  await mkdir(directory, { recursive: true })
  const summary = { runner: 'native/preload', ...results, skippedFor: [...skippedFor] }
  await writeFile(path.join(directory, 'results.json'), `${JSON.stringify(summary)}\n`)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}
