import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const template = path.join(root, '../../examples/filter-plugin-template')

test('a copy of the template passes its tests where nothing of this repository is above it', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'filter-template-'))
  try {
    const copy = path.join(directory, 'my-filter')
    const filter = (source: string) => !/node_modules|test-results/.test(source)
    await cp(template, copy, { recursive: true, filter })
    await mkdir(path.join(copy, 'node_modules/@tailproxy'), { recursive: true })
    await symlink(root, path.join(copy, 'node_modules/@tailproxy/port-filter'))
    const vitest = path.join(root, 'node_modules/vitest')
    await symlink(vitest, path.join(copy, 'node_modules/vitest'))
    // What this vitest tells its own workers is not for another one.
    const env = Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|TEST|NODE_ENV)/.test(name),
    )
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [path.join(vitest, 'vitest.mjs'), 'run', '--reporter=json'],
      { cwd: copy, env: Object.fromEntries(env) },
    )
    expect(JSON.parse(stdout)).toMatchObject({ success: true, numFailedTests: 0 })
  } finally {
    await rm(directory, { recursive: true })
  }
}, 60_000)
