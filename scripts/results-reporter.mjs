// Writes test-results/results.json, the form in which every runner of this project reports:
// {runner, passed, failed, skipped, skippedFor, failures: [{name, output}]}.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

const NEEDS = /skipped: needs ([^)\]]+)/

export class ResultsReporter {
  #root = process.cwd()

  onInit(vitest) {
    this.#root = vitest.config.root
  }

  async onTestRunEnd(modules, unhandledErrors) {
    const results = { passed: 0, failed: 0, skipped: 0 }
    const skippedFor = new Set()
    const failures = []
    const fail = (name, errors) => {
      results.failed += 1
      failures.push({ name, output: errors.map(textOf).join('\n') })
    }
    for (const error of unhandledErrors) fail('an unhandled error', [error])
    for (const module of modules) {
      const errors = module.errors()
      if (errors.length > 0) fail(module.relativeModuleId, errors)
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') results.passed += 1
        else if (state === 'failed') fail(`${module.relativeModuleId} > ${test.fullName}`, errors)
        else {
          results.skipped += 1
          skippedFor.add(NEEDS.exec(test.fullName)?.[1] ?? test.fullName)
        }
      }
    }
    const { name } = JSON.parse(await readFile(path.join(this.#root, 'package.json'), 'utf8'))
    const directory = path.join(this.#root, 'test-results')
    await mkdir(directory, { recursive: true })
    const report = { runner: name, ...results, skippedFor: [...skippedFor], failures }
    await writeFile(path.join(directory, 'results.json'), `${JSON.stringify(report)}\n`)
  }
}

/** Without the frames of what ran the test. */
function textOf({ message, stack, diff }) {
  const lines = (stack ?? String(message)).split('\n')
  return [...lines.filter((line) => !line.includes('/node_modules/')), diff ?? ''].join('\n')
}
