// What the benchmarks share: a program's output, and a table of text.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** Runs a program to its end and resolves with its stdout. */
export async function run(file, args, options = {}) {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  const [code, signal] = await once(child, 'close')
  if (code !== 0)
    throw new Error(`${path.basename(file)} ${args.join(' ')} ended with ${code ?? signal}`)
  return stdout
}

/** Starts what stays; resolves with its process and its first line, which is JSON. */
export async function serve(file, args, options = {}) {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return { child, said: JSON.parse(line) }
}

/** Ends what serve() has started, the last first. */
export async function endAll(children) {
  for (const child of children.toReversed()) {
    child.kill('SIGTERM')
    await once(child, 'close')
  }
}

/** Median, lowest and highest of some values, as people read them. */
export function spread(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})`
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** Prints rows of cells in columns; the first row is their heading. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
  }
}
