import type { ResolvedSettings } from '@tailproxy/config'
import { exportOptionsOf } from './export-options-of.ts'
import { filtersOf } from './filters.ts'
import type { Run } from './run.ts'
import type { FOREGROUND_USER, Session } from './session.ts'
import type { SessionHost } from './session-host.ts'

export interface RunRequest {
  command: readonly string[]
  pid: number
  cwd: string
  user?: typeof FOREGROUND_USER | undefined
}

/** A run, as a status has it. */
export interface RunListed {
  run: string
  command: readonly string[]
  pid: number
  /** RFC 3339. */
  since: string
  /** Whether its command has ended, and something that it started has not. */
  lingering: boolean
}

/** The runs of a session, from the first command of each to the last of what that started. */
export class RunRegister {
  readonly #host: SessionHost
  readonly #listed = new Map<string, RunListed>()

  constructor(host: SessionHost) {
    this.#host = host
  }

  list(): RunListed[] {
    return [...this.#listed.values()]
  }

  async begin(request: RunRequest, resolved: ResolvedSettings): Promise<Run> {
    const session = await this.#host.ready
    const { cwd, command, pid } = request
    const { onlyTailnet, bypass, udp, exportListeners } = resolved.values
    const filters = await filtersOf(resolved, { cwd, onFailure: (said) => this.#host.say(said) })
    const exports = exportListeners ? exportOptionsOf(resolved.values) : undefined
    const user = request.user ?? this.#host.nextRun()
    try {
      const run = await session.register(user, { onlyTailnet, bypass, udp }, { exports, filters })
      const since = new Date().toISOString()
      this.#listed.set(run.id, { run: run.id, command, pid, since, lingering: false })
      return run
    } catch (error) {
      await filters.dispose()
      throw error
    }
  }

  /**
   * The command has ended; the run does when all that it left running has. A sidecar does not know what
   * was started before it: then the run keeps its access as long as the session is there.
   */
  async end(run: Run): Promise<void> {
    const session = await this.#host.ready
    const listed = this.#listed.get(run.id)
    if (listed) listed.lingering = true
    const isOver = await this.#awaitRelease(session, run)
    this.#listed.delete(run.id)
    if (isOver && !this.#host.closing.aborted) await session.unregister(run)
  }

  async #awaitRelease(session: Session, run: Run): Promise<boolean> {
    if (!session.isInFirstSidecar(run)) return false
    try {
      await (await session.sidecar()).release(run.id)
      return true
    } catch {
      // It died, or the session ends.
      return false
    }
  }
}
