// Writes test-results/results.json, the form in which every runner of this project reports:
// {runner, passed, failed, skipped, skippedFor}.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

const NEEDS = /skipped: needs ([^)\]]+)/

export class ResultsReporter {
  #root = process.cwd()

  onInit(vitest) {
    this.#root = vitest.config.root
  }

  async onTestRunEnd(modules, unhandledErrors) {
    const results = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    const skippedFor = new Set()
    for (const module of modules) {
      if (module.errors().length > 0) results.failed += 1
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') results.passed += 1
        else if (state === 'failed') results.failed += 1
        else {
          results.skipped += 1
          skippedFor.add(NEEDS.exec(test.fullName)?.[1] ?? test.fullName)
        }
      }
    }
    const { name } = JSON.parse(await readFile(path.join(this.#root, 'package.json'), 'utf8'))
    const directory = path.join(this.#root, 'test-results')
    await mkdir(directory, { recursive: true })
    const report = { runner: name, ...results, skippedFor: [...skippedFor] }
    await writeFile(path.join(directory, 'results.json'), `${JSON.stringify(report)}\n`)
  }
}
