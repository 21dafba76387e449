import process from 'node:process'

/** Milliseconds after which a wait is worth a word to somebody who watches. */
const PATIENCE = 500

/**
 * Lets a reader of our few lines go away (`tailproxy --help | head -1`). Called before the first of them
 * and not at the start: Node takes milliseconds to make the streams, and most commands say nothing.
 */
export function tolerateReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listeners('error').includes(ignore)) continue
    stream.on('error', ignore)
  }
}

const ignore = (): void => {}

/** All that TailProxy itself says goes to stderr: stdout belongs to the command. */
export function say(message: string): void {
  tolerateReaders()
  process.stderr.write(`tailproxy: ${message}\n`)
}

/** Whether what is said may have colours (https://no-color.org). */
export function hasColor(): boolean {
  return process.stderr.isTTY && !process.env['NO_COLOR'] && process.stderr.hasColors()
}

/** Shows `message` on a terminal while a wait lasts longer than a moment; `done` takes it away. */
export function showProgress(message: string): { done: () => void } {
  let shown = false
  const timer = setTimeout(() => {
    if (!process.stderr.isTTY) return
    tolerateReaders()
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
