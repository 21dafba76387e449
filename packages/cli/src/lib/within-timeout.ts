import type { RawSettings } from '@tailproxy/config'
import { awaitLogin, type LoginWait } from './await-login.ts'
import { CommandLineError } from './exit-status.ts'
import { LoginError } from './login-error.ts'

/**
 * Waits for a node as long as `--timeout` allows. What the node lacks is told, but by the status of
 * all our failures: lower ones are of the program that is to run.
 *
 * @throws {CommandLineError}
 */
export async function withinTimeout<T>(
  raw: RawSettings,
  wait: Omit<LoginWait, 'waitsForApproval'>,
  work: Parameters<typeof awaitLogin<T>>[2],
): Promise<T> {
  try {
    return await awaitLogin(raw, { ...wait, waitsForApproval: true }, work)
  } catch (error) {
    if (!(error instanceof LoginError)) throw error
    throw new CommandLineError(error.message, { cause: error })
  }
}
