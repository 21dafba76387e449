import { spawn } from 'node:child_process'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { pnpmCommand } from '../../../scripts/pnpm.mjs'
import { Registry } from './registry.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

declare module 'vitest' {
  interface ProvidedContext {
    /** Where everything is published. */
    registry: string
  }
}

/** Vitest runs this once before all tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const registry = await Registry.start()
  try {
    await publishEverything(registry)
  } catch (error) {
    await registry.stop()
    throw error
  }
  project.provide('registry', registry.url)
  return () => registry.stop()
}

/** As scripts/release.mjs does it. */
async function publishEverything({ url, npmrc }: Registry): Promise<void> {
  const [pnpm = '', ...before] = pnpmCommand()
  const words = ['--recursive', '--filter', './packages/*', 'publish', '--access', 'public']
  const child = spawn(pnpm, [...before, ...words, '--no-git-checks', '--registry', url], {
    cwd: root,
    env: { ...process.env, NPM_CONFIG_USERCONFIG: npmrc },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const [status, ...said] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (status !== 0) throw new Error(`not everything was published:\n${said.join('')}`)
}
