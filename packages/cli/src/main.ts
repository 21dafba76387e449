import process from 'node:process'
import { BACKGROUND_VARIABLE } from '@tailproxy/session/join'
import { raise } from './lib/exit-status.ts'
import { InterruptedError } from './lib/interruption.ts'
import { keepLibrary } from './lib/library.ts'
import { report, tailproxy } from './tailproxy.ts'

// Without a listener Node opens its inspector: a port for whoever finds it.
process.on('SIGUSR1', () => {})

const background = process.env[BACKGROUND_VARIABLE]
delete process.env[BACKGROUND_VARIABLE]

// Not awaited: what is loaded later imports what was bundled with this file, and would wait for it.
if (background) void serveInBackground(Number(background))
else void main()

async function main(): Promise<void> {
  try {
    const { status, signal } = await tailproxy(process.argv.slice(2))
    if (signal) raise(signal)
    else process.exitCode = status
  } catch (error) {
    if (error instanceof InterruptedError) raise(error.signalName)
    else process.exitCode = report(error)
  }
}

async function serveInBackground(descriptor: number): Promise<void> {
  const { runBackground } = await import('@tailproxy/session/host')
  // What a plugin left open is no reason to stay.
  process.exit(await runBackground(descriptor, keepLibrary()))
}
