import path from 'node:path'
import process from 'node:process'
import { sidecarEnvironment } from '@tailproxy/session'
import { findSidecar, Lab } from '@tailproxy/sidecar'
import { test as base, expect, inject } from 'vitest'
import { Newcomer, type Said } from '../support/newcomer.ts'
import { NodeRelease } from '../support/node-release.ts'

interface Installed {
  newcomer: Newcomer
  lab: Lab
}

const test = base.extend<{ installed: Installed }>({
  installed: [
    async ({}, use) => {
      const newcomer = new Newcomer(inject('registry'))
      const cwd = newcomer.directory('project')
      const { status, stderr } = await newcomer.run(['npm', 'install', '@tailproxy/cli'], { cwd })
      if (status !== 0) throw new Error(stderr)
      const env = sidecarEnvironment(process.env, { lab: true })
      const lab = await Lab.start({ binary: findSidecar(), env })
      await use({ newcomer, lab })
      await lab.stop()
      newcomer.leave()
    },
    { scope: 'file' },
  ],
})

/** Serves one answer, on a port that the kernel chooses, and ends when it was fetched. */
const SERVE = `
const server = require('node:http').createServer((_, response) => {
  response.end('served by ' + process.version, () => server.close())
}).listen(0, '0.0.0.0')
`

test.for(['20.19', '22', '24', '26'])(
  'on Node %s commands share a session, fetch and serve',
  async (version, { installed: { newcomer, lab }, skip }) => {
    const node = await NodeRelease.fetch(version)
    if (!node) return skip(`needs node-linux-${process.arch}@${version}`)
    const command = path.join(
      newcomer.home,
      'project/node_modules/@tailproxy/cli/bin/tailproxy.cjs',
    )
    const env = {
      TAILPROXY_CONTROL_URL: lab.info.controlUrl,
      TAILPROXY_STATE_DIR: path.join(newcomer.directory(`state-${version}`), 'state'),
      TAILPROXY_HOSTNAME: `node-${version.replace('.', '-')}`,
    }
    const run = (...words: string[]): Promise<Said> =>
      newcomer.run([node.file, command, ...words], { env })
    try {
      for (let time = 0; time < 2; time++) {
        expect(await run('curl', '-sS', 'http://hello/')).toMatchObject({
          status: 0,
          stderr: '',
          stdout: expect.stringContaining('Hello'),
        })
      }
      const served = run('--verbose', '--export-listeners', node.file, '-e', SERVE)
      const status = await until(async () => JSON.parse((await run('status', '--json')).stdout))
      const url = `http://${env.TAILPROXY_HOSTNAME}:${status.exports[0].port}/`
      expect((await run('curl', '-sS', url)).stdout).toMatch(
        new RegExp(`^served by v${version}\\.`),
      )
      expect(await served).toMatchObject({ status: 0 })
    } finally {
      expect(await run('down', '--purge')).toMatchObject({ status: 0 })
      node.remove()
    }
  },
)

/** Asks until something is exported. */
async function until(ask: () => Promise<{ exports?: { port: number }[] }>) {
  for (;;) {
    const { exports = [] } = await ask()
    if (exports.length > 0) return { exports: exports as [{ port: number }] }
  }
}
