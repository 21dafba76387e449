// A lab for benchmarks that the command cannot give: with a delay, black holes, and servers of this host.
// The messages are in docs/sidecar-channel.md.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../../scripts/turbo.mjs'

export const RELAY_ONLY = { TS_DEBUG_NEVER_DIRECT_UDP: '1' }

/**
 * Starts a lab whose round trips take `delayMs` longer; with `relayed` those of handshakes and pings too, and nodes that join need
 * RELAY_ONLY in their environment.
 */
export async function startLab({ delayMs = 0, relayed = false } = {}) {
  const child = spawn(path.join(root, 'sidecar/dist/tailproxy-sidecar'), ['lab'], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  const channel = child.stdio[3]
  const waiting = new Map()
  createInterface({ input: channel }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line)
    waiting.get(id)?.(error ? { error } : { result })
  })
  let last = 0
  async function ask(method, params = {}) {
    last += 1
    const answered = new Promise((resolve) => waiting.set(last, resolve))
    channel.write(`${JSON.stringify({ id: last, method, params })}\n`)
    const gone = once(child, 'exit').then(() => ({ error: { message: 'the lab has ended' } }))
    const { result, error } = await Promise.race([answered, gone])
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }
  await ask('hello', { protocol: 1, driver: '0.1.0' })
  const { controlUrl, nodes } = await ask('startLab', { delayMs, relayed })
  const [hello] = nodes.find(({ name }) => name.startsWith('hello.')).addresses
  return {
    controlUrl,
    /** The IPv4 address of the node `hello`. */
    hello,
    /** The address of a node that was there and answers no more. */
    async blackHole() {
      const { addresses } = await ask('addNode', { name: 'gone' })
      await ask('removeNode', { name: 'gone' })
      return addresses[0]
    },
    async forward(port, target) {
      await ask('addForward', { node: 'hello', port, target })
    },
    async stop() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      channel.end()
      await exited
    },
  }
}
