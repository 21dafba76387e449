import process from 'node:process'
import { raise } from './lib/exit-status.ts'
import { InterruptedError } from './lib/interruption.ts'
import { report, tailproxy } from './tailproxy.ts'

// A reader of our few lines that went away (`tailproxy --help | head -1`) is no failure.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})
// Without a listener Node opens its inspector: a port for whoever finds it.
process.on('SIGUSR1', () => {})

try {
  const { status, signal } = await tailproxy(process.argv.slice(2))
  if (signal) raise(signal)
  else process.exitCode = status
} catch (error) {
  if (error instanceof InterruptedError) raise(error.signalName)
  else process.exitCode = report(error)
}
