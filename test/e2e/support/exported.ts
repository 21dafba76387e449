import { once } from 'node:events'
import type { Running } from './tailproxy.ts'

/** Where the tailnet reaches a listener. */
export interface Exported {
  ipv4: string
  ipv6: string
  port: number
}

const LINE = /^tailproxy: export: \S+:(\d+) \(([\d.]+):\d+, \[([0-9a-f:]+)\]:\d+\) leads to /gm

/** Resolves when `-verbose` has told of `count` exports, to the last of them. */
export async function exported(running: Running, count = 1): Promise<Exported> {
  for (;;) {
    const match = [...running.output.stderr.matchAll(LINE)][count - 1]
    if (match) {
      const [, port, ipv4 = '', ipv6 = ''] = match
      return { port: Number(port), ipv4, ipv6 }
    }
    const ended = running.finished.then(({ status, stdout, stderr }) => {
      throw new Error(`ended with ${status} before it exported anything: ${stdout}${stderr}`)
    })
    // Looked at in the race only.
    ended.catch(() => {})
    await Promise.race([once(running.child.stderr as NodeJS.EventEmitter, 'data'), ended])
  }
}
