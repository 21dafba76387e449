import process from 'node:process'
import { sidecarEnvironment } from '@tailproxy/session'
import { findSidecar, Lab } from '@tailproxy/sidecar'
import { test as base } from 'vitest'
import { Tailproxy } from './tailproxy.ts'

export interface Tailnet {
  lab: Lab
  tailproxy: Tailproxy
  /** The addresses of `hello`. */
  hello: { ipv4: string; ipv6: string; name: string }
}

/** A private tailnet for the tests of one file, and the command set to use it. */
export const test = base.extend<{ tailnet: Tailnet }>({
  tailnet: [
    async ({}, use) => {
      const env = sidecarEnvironment(process.env, { lab: true })
      const lab = await Lab.start({ binary: findSidecar(), env })
      const tailproxy = new Tailproxy(lab.info.controlUrl)
      try {
        await use({ lab, tailproxy, hello: helloOf(lab) })
      } finally {
        tailproxy.dispose()
        await lab.stop()
      }
    },
    { scope: 'file' },
  ],
})

function helloOf(lab: Lab): Tailnet['hello'] {
  const hello = lab.info.nodes.find(({ name }) => name.startsWith('hello.'))
  const ipv4 = hello?.addresses.find((address) => !address.includes(':'))
  const ipv6 = hello?.addresses.find((address) => address.includes(':'))
  if (!hello || !ipv4 || !ipv6) throw new Error('the lab has no hello with both addresses')
  return { ipv4, ipv6, name: hello.name }
}
