import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { say } from './terminal.ts'

/** sd_listen_fds(3): the first descriptor that is passed on. */
const FIRST_DESCRIPTOR = 3

/**
 * The listening socket that a service manager has made for this process, as sd_listen_fds(3). The
 * variables are removed: they are for no child of ours.
 */
export function passedSocket(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const { LISTEN_FDS: count, LISTEN_PID: pid } = env
  for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete env[name]
  return Number(pid) === process.pid && Number(count) > 0 ? FIRST_DESCRIPTOR : undefined
}

/**
 * Tells the service manager how this process does, as sd_notify(3); does nothing where there is none.
 * Node has no Unix datagram sockets, so systemd's own systemd-notify(1) says it.
 */
export async function notifyManager(message: 'READY=1' | 'STOPPING=1'): Promise<void> {
  if (!process.env['NOTIFY_SOCKET']) return
  try {
    const notify = spawn('systemd-notify', [`--pid=${process.pid}`, message], { stdio: 'inherit' })
    await once(notify, 'exit')
  } catch (error) {
    say(`cannot tell the service manager ${message}: ${(error as Error).message}`)
  }
}
