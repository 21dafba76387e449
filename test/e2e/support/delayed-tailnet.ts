import process from 'node:process'
import { sidecarEnvironment } from '@tailproxy/session'
import { findSidecar, Lab } from '@tailproxy/sidecar'
import { test as base } from 'vitest'
import { Tailproxy } from './tailproxy.ts'

/** Milliseconds that a round trip with a node of the lab takes longer. */
const DELAY = 50

/** A private tailnet whose nodes are far away, for the tests of one file. */
export const test = base.extend<{ distant: { tailproxy: Tailproxy; hello: string } }>({
  distant: [
    async ({}, use) => {
      const env = sidecarEnvironment(process.env, { lab: true })
      const lab = await Lab.start({ binary: findSidecar(), env, delay: DELAY })
      const tailproxy = new Tailproxy(lab.info.controlUrl)
      const hello = lab.info.nodes.find(({ name }) => name.startsWith('hello.'))
      try {
        await use({ tailproxy, hello: hello?.addresses[0] ?? '' })
      } finally {
        tailproxy.dispose()
        await lab.stop()
      }
    },
    { scope: 'file' },
  ],
})
