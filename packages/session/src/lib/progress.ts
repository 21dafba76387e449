import { EventEmitter } from 'eventemitter3'

export type SessionState =
  | 'starting'
  | 'needs-login'
  | 'needs-approval'
  | 'running'
  /** The sidecar died, and another one is being started. */
  | 'restarting'
  | 'stopped'

export interface Progress {
  state: SessionState
  /** For people. */
  detail?: string
  /** Where somebody has to log the node in. */
  url?: string
}

/** How far a session's node is, for whoever waits for it. */
export class ProgressBoard extends EventEmitter<{ changed: (progress: Progress) => void }> {
  #current: Progress = { state: 'starting' }

  get current(): Progress {
    return this.#current
  }

  set(progress: Progress): void {
    const { state, detail, url } = this.#current
    if (progress.state === state && progress.detail === detail && progress.url === url) return
    this.#current = progress
    this.emit('changed', progress)
  }
}
