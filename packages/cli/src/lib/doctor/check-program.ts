import { findCommand, inspectProgram, NotWrappableError } from '@tailproxy/preload'
import type { Sidecar } from '@tailproxy/sidecar'
import type { DoctorCheck } from './doctor-check.ts'

const fix = '--allow-unwrapped runs it all the same, past the tailnet'

/**
 * Whether a command would be captured.
 *
 * @throws {CommandNotFoundError} @throws {CommandNotExecutableError}
 */
export async function checkProgram(
  command: string,
  sidecar: Pick<Sidecar, 'fileCapabilities'> | undefined,
  env: NodeJS.ProcessEnv,
): Promise<DoctorCheck> {
  const file = findCommand(command, env['PATH'])
  try {
    const program = inspectProgram(file)
    if (process.getuid?.() !== 0 && (await sidecar?.fileCapabilities(program))) {
      const found = `${program} has file capabilities, and such programs do not load the library`
      return { name: command, status: 'fail', found, fix }
    }
    const by = program === file ? '' : `, by its interpreter ${program}`
    return { name: command, status: 'ok', found: `${file} is captured${by}` }
  } catch (error) {
    if (!(error instanceof NotWrappableError)) throw error
    return { name: command, status: 'fail', found: error.message, fix }
  }
}
