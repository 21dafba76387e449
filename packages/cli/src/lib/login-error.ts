import { CommandLineError } from './exit-status.ts'

/** What `login` and `up` exit with, by what a node lacks. */
const LOGIN_STATUS = {
  /** Nobody logged it in. */
  'needs-login': 10,
  /** An administrator has to let it in. */
  'needs-approval': 11,
  /** Its own key, or the auth key. */
  'key-expired': 12,
  /** The control server did not take the key, or the node. */
  refused: 13,
} as const

type LoginFailure = keyof typeof LOGIN_STATUS

/** The node is not on the tailnet; `failure` says what it lacks. */
export class LoginError extends CommandLineError {
  override readonly name = 'LoginError'
  override readonly code = 'ERR_TAILPROXY_LOGIN'
  override readonly status: number
  readonly failure: LoginFailure

  constructor(failure: LoginFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
    this.status = LOGIN_STATUS[failure]
  }
}
