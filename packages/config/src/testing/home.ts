import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base } from 'vitest'
import { ConfigError } from '../lib/errors.ts'

/** A home of its own. */
export interface Home {
  path: string
  env: NodeJS.ProcessEnv
  /** Writes a file below the home, and returns its path. */
  write: (file: string, content: string | object) => string
  /** The same for a file in ~/.config/tailproxy. */
  writeConfig: (file: string, content: string | object) => string
}

/** A test in a home of its own. */
export const test = base.extend<{ home: Home }>({
  home: async ({}, use) => {
    const home = realpathSync(mkdtempSync(path.join(tmpdir(), 'config-')))
    const write: Home['write'] = (file, content) => {
      const written = path.join(home, file)
      mkdirSync(path.dirname(written), { recursive: true })
      writeFileSync(written, typeof content === 'string' ? content : JSON.stringify(content))
      return written
    }
    const writeConfig: Home['write'] = (file, content) =>
      write(path.join('.config/tailproxy', file), content)
    await use({ path: home, env: { HOME: home }, write, writeConfig })
    rmSync(home, { recursive: true })
  },
})

/** What a work that fails with a ConfigError says. */
export async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

/** Root may read everything. */
export async function asNobody<T>(work: () => T | Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}
