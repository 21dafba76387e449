import { writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { freePort, OrdinaryServer } from '../ordinary-server.ts'

/** Runs an rsync daemon that serves `directory` as the module `files`, to be read and written. */
export async function serveRsync(directory: string): Promise<OrdinaryServer> {
  const config = path.join(path.dirname(directory), 'rsyncd.conf')
  writeFileSync(
    config,
    [
      'use chroot = no',
      // Otherwise a daemon of root serves as nobody, who may not read our temporary directory.
      ...(process.getuid?.() === 0 ? ['uid = 0', 'gid = 0'] : []),
      '[files]',
      `path = ${directory}`,
      'read only = no',
    ].join('\n'),
  )
  const port = await freePort()
  const daemon = ['--daemon', '--no-detach', `--config=${config}`, '--address=127.0.0.1']
  return OrdinaryServer.start('rsync', [...daemon, `--port=${port}`], port)
}
