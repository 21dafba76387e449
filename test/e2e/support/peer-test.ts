import { Peer } from './peer.ts'
import { test as base } from './tailnet.ts'

/** A tailnet for the tests of one file, and another node of it. */
export const test = base.extend<{ peer: Peer }>({
  peer: [
    async ({ tailnet }, use) => {
      const peer = await Peer.join(tailnet.lab.info.controlUrl)
      await use(peer)
      await peer.leave()
    },
    { scope: 'file' },
  ],
})
