import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import { sidecarEnvironment } from '@tailproxy/session/host'
import { findSidecar, Lab } from '@tailproxy/sidecar'
import { CommandLineError } from '../lib/exit-status.ts'
import { aborted, interruptible } from '../lib/interruption.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { showProgress } from '../lib/terminal.ts'
import { run } from './run.ts'

/** `tailproxy lab`: a private tailnet until it is interrupted. */
export async function lab(operands: readonly string[], options: { json: boolean }): Promise<never> {
  if (operands.length > 0) {
    throw new CommandLineError(
      `lab has no "${operands[0]}"; use tailproxy lab, or tailproxy lab run -- COMMAND`,
    )
  }
  return interruptible(async (signal) => {
    const started = await startLab(signal)
    try {
      process.stdout.write(
        options.json ? `${JSON.stringify(started.info)}\n` : describe(started.info),
      )
      throw await Promise.race([aborted(signal), started.ended])
    } finally {
      await started.stop()
    }
  })
}

/** `tailproxy lab run -- COMMAND…`: runs a command on a lab of its own, and takes the lab down again. */
export async function labRun(words: readonly string[], raw: RawSettings): Promise<ChildExit> {
  if (words.length === 0) {
    throw new CommandLineError('lab run needs a command: tailproxy lab run -- COMMAND [ARGUMENT…]')
  }
  if (raw.controlUrl?.origin.kind === 'flag') {
    throw new CommandLineError('lab run brings its own control server; drop --control-url')
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-lab-'))
  // To the very end: a signal never stops us before everything is taken down again.
  return interruptible(async (signal) => {
    try {
      const started = await startLab(signal)
      try {
        const { controlUrl } = started.info
        signal.throwIfAborted()
        return await run(words, inLab(raw, controlUrl, path.join(directory, 'state')), {
          lab: true,
          extra: { TAILPROXY_CONTROL_URL: controlUrl, PATH: pathWithUs(directory) },
        })
      } finally {
        await started.stop()
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

/** What was given, but for what a lab brings: its control server, and state that ends with it. */
function inLab(raw: RawSettings, controlUrl: string, stateDir: string): RawSettings {
  const { authKey, ...others } = raw
  return {
    ...others,
    controlUrl: { value: controlUrl, origin: { kind: 'flag', name: 'control-url' } },
    stateDir: { value: stateDir, origin: { kind: 'flag', name: 'state-dir' } },
  }
}

async function startLab(signal: AbortSignal): Promise<Lab> {
  const progress = showProgress('starting a private tailnet')
  try {
    const env = sidecarEnvironment(process.env, { lab: true })
    return await Lab.start({ binary: findSidecar(), env, signal })
  } finally {
    progress.done()
  }
}

/** PATH with a directory in front in which `tailproxy` is this very program. */
function pathWithUs(directory: string): string {
  const self = process.argv[1]
  if (self) symlinkSync(self, path.join(directory, 'tailproxy'))
  return [directory, process.env['PATH']].filter(Boolean).join(':')
}

function describe({ controlUrl, nodes }: Lab['info']): string {
  const lines = nodes.map(({ name, addresses }) => `  ${name}  ${addresses.join('  ')}`)
  return `A private tailnet is up, on loopback only:
${lines.join('\n')}

In another terminal:
  export TAILPROXY_CONTROL_URL=${controlUrl}
  tailproxy curl http://hello/
Ctrl-C takes it down.
`
}
