import type { Socket } from 'node:net'
import process from 'node:process'

/** Of so many connections it is asked at once; others wait, since each answer may cost a process. */
const ASKED_AT_ONCE = 4

/** Who called connect(2), as it was then: unix(7), `SO_PEERCRED`. */
export interface PeerCredentials {
  /** 0 when it is not known. */
  readonly pid: number
  readonly uid: number
}

export type AskCredentials = (socket: Socket) => Promise<PeerCredentials>

/** Somebody who is let in, with their process where it is known, or why they are not. */
export type Admission = { pid?: number } | { refused: string }

/** The process's own user, and root, whom nothing can be kept from. */
function defaultUsers(): number[] {
  return [...new Set([process.geteuid?.() ?? 0, 0])]
}

/** Lets in the connections of some users. Whoever cannot be asked about is refused. */
export class Doorkeeper {
  readonly #ask: AskCredentials
  readonly #users: readonly number[]
  readonly #waiting: (() => void)[] = []
  #asking = 0

  constructor(ask: AskCredentials, users: readonly number[] = defaultUsers()) {
    this.#ask = ask
    this.#users = users
  }

  async admit(socket: Socket): Promise<Admission> {
    await this.#turn()
    try {
      const { pid, uid } = await this.#ask(socket)
      if (!this.#users.includes(uid)) {
        return {
          refused: `it is of user ${uid}, and only ${this.#users.join(' and ')} may connect`,
        }
      }
      return pid > 0 ? { pid } : {}
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { refused: `whose it is cannot be found out: ${why}` }
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#asking -= 1
    }
  }

  async #turn(): Promise<void> {
    if (this.#asking < ASKED_AT_ONCE) {
      this.#asking += 1
      return
    }
    // Whoever is done leaves their turn to the next.
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
