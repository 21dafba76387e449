// The README's test command: builds what the tests need, runs every check and every runner, and
// closes with one line that sums them up.
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { requireToolchain } from './toolchain.mjs'
import { root, runTurbo } from './turbo.mjs'

/** Lines of a failed test's output in the summary: the last ones. */
const FAILURE_LINES = 30
const TASKS = ['check:format', 'check:unused', 'typecheck', 'check:package', 'test']

async function packagesWithTests() {
  const parents = ['packages', 'native', 'test', 'examples']
  const nested = parents.map(async (parent) => {
    const entries = await readdir(path.join(root, parent), { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(parent, name))
  })
  const directories = ['sidecar', ...(await Promise.all(nested)).flat()]
  const found = []
  for (const directory of directories) {
    const manifest = await readJson(path.join(root, directory, 'package.json'))
    if (manifest?.scripts?.test) found.push({ directory, name: manifest.name })
  }
  return found
}

async function readJson(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** What is far up in the output, once more. */
function describeFailure({ name, output }) {
  const lines = output.trimEnd().split('\n')
  const last = lines.slice(-FAILURE_LINES).map((line) => `    ${line}`)
  return [`  failed: ${name}`, ...last].join('\n')
}

requireToolchain()
const packages = await packagesWithTests()
// A result that is there afterwards was made, or restored from the cache, by this run.
for (const { directory } of packages) {
  await rm(path.join(root, directory, 'test-results'), { recursive: true, force: true })
}
const status = await runTurbo([
  'run',
  ...TASKS,
  '--continue=always',
  '--output-logs=new-only',
  '--concurrency=2',
  ...process.argv.slice(2),
])

const sum = { passed: 0, failed: 0, skipped: 0 }
const filtered = process.argv.length > 2
console.log('')
for (const { directory, name } of packages) {
  const result = await readJson(path.join(root, directory, 'test-results/results.json'))
  if (!result) {
    if (filtered) continue
    console.log(`${name}: no result, its tests did not run to the end`)
    sum.failed += 1
    continue
  }
  console.log(
    `${name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`,
  )
  for (const need of result.skippedFor) console.log(`  skipped: needs ${need}`)
  for (const failure of result.failures) console.log(describeFailure(failure))
  for (const key of Object.keys(sum)) sum[key] += result[key]
}
if (status !== 0 && sum.failed === 0) {
  console.log('a check failed; its output is above')
  sum.failed += 1
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed === 0 ? 0 : 1
