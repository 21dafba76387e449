import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { freePort, OrdinaryServer } from '../ordinary-server.ts'

export interface OpenSsh {
  server: OrdinaryServer
  user: string
  /** The client's words before the destination; they use nothing of this host's own configuration. */
  client: string[]
}

/** Runs sshd as whoever we are, with keys of its own in `directory`, for that same user. */
export async function serveSsh(directory: string): Promise<OpenSsh> {
  const file = (name: string) => path.join(directory, name)
  const [hostKey, userKey, config] = [file('host_key'), file('user_key'), file('sshd_config')]
  for (const key of [hostKey, userKey]) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  }
  // sshd of root wants this directory; the init system makes it where sshd is a service.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  writeFileSync(
    config,
    [
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${userKey}.pub`,
      'AuthenticationMethods publickey',
      'PermitRootLogin yes',
      'UsePAM no',
      // The key lies in a temporary directory, which others may write to.
      'StrictModes no',
      'PidFile none',
    ].join('\n'),
  )
  const port = await freePort()
  const daemon = ['-D', '-e', '-f', config, '-o', 'ListenAddress=127.0.0.1', '-p', String(port)]
  // sshd executes itself anew for each connection, so it has to be called by its whole path.
  const server = await OrdinaryServer.start('/usr/sbin/sshd', daemon, port)
  const options = [
    `IdentityFile=${userKey}`,
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    `UserKnownHostsFile=${file('known_hosts')}`,
    'LogLevel=ERROR',
  ]
  const client = ['ssh', '-F', 'none', ...options.flatMap((option) => ['-o', option])]
  return { server, user: userInfo().username, client }
}
