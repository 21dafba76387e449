import { expect, vi } from 'vitest'
import type { Peer } from './peer.ts'

/** Resolves when nobody listens there any more: the tailnet says so by a refusal. */
export async function untilRefused(peer: Peer, host: string, port: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const refused = peer.connect(host, port).then((socket) => void socket.destroy())
      await expect(refused).rejects.toMatchObject({ replyCode: 5 })
    },
    { timeout: 30_000, interval: 20 },
  )
}
