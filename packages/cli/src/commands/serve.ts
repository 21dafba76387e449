import type { ResolvedSettings } from '@tailproxy/config'
import { FOREGROUND_USER } from '@tailproxy/session'
import { CommandLineError } from '../lib/exit-status.ts'
import { aborted, interruptible } from '../lib/interruption.ts'
import { withSession } from '../lib/with-session.ts'

/** `tailproxy` alone: serves SOCKS5 into the tailnet until it is interrupted. */
export async function serve(
  resolved: ResolvedSettings,
  options: { json: boolean },
): Promise<never> {
  const { values: settings } = resolved
  if (process.env['TAILPROXY_SESSION']) {
    throw new CommandLineError(
      'this shell is in a session already, and its programs are on the tailnet; serve SOCKS5 from outside',
    )
  }
  return interruptible((signal) =>
    withSession(resolved, { signal }, async (session) => {
      const { user, password } = await session.register(FOREGROUND_USER, {
        onlyTailnet: settings.onlyTailnet,
        bypass: settings.bypass,
        udp: settings.udp,
      })
      const address = `${session.host}:${session.port}`
      const { name, addresses } = session.node
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ address, user, password, node: { name, addresses } })}\n`
          : `SOCKS5 into the tailnet, as ${name}:
  address   ${address}
  user      ${user}
  password  ${password}

For example: curl --proxy socks5h://${user}:${password}@${address} http://PEER/
Ctrl-C ends it.
`,
      )
      throw await Promise.race([aborted(signal), session.ended])
    }),
  )
}
