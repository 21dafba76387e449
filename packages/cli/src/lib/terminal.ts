import process from 'node:process'

/** Milliseconds after which a wait is worth a word to somebody who watches. */
const PATIENCE = 500

/** All that TailProxy itself says goes to stderr: stdout belongs to the command. */
export function say(message: string): void {
  process.stderr.write(`tailproxy: ${message}\n`)
}

/** Whether what is said may have colours (https://no-color.org). */
export function hasColor(): boolean {
  return process.stderr.isTTY && !process.env['NO_COLOR'] && process.stderr.hasColors()
}

/** Shows `message` on a terminal while a wait lasts longer than a moment; `done` takes it away. */
export function showProgress(message: string): { done: () => void } {
  if (!process.stderr.isTTY) return { done: () => {} }
  let shown = false
  const timer = setTimeout(() => {
    process.stderr.write(`tailproxy: ${message}…`)
    shown = true
  }, PATIENCE)
  return {
    done: () => {
      clearTimeout(timer)
      // ECMA-48: carriage return, then erase the line.
      if (shown) process.stderr.write('\r\u001b[K')
      shown = false
    },
  }
}
