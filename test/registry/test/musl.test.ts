import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { lacks, named } from '../../e2e/support/needs.ts'
import { Newcomer } from '../support/newcomer.ts'

const fetchSource = fileURLToPath(new URL('../fixtures/fetch.c', import.meta.url))
const MACHINE = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64']

/** A root file system with musl's dynamic loader, which is its C library too, and one program. */
function muslRoot(): string {
  const root = mkdtempSync(path.join(tmpdir(), 'tailproxy-musl-'))
  for (const directory of ['lib', 'tmp']) mkdirSync(path.join(root, directory))
  execFileSync('chmod', ['755', root])
  const loader = `/lib/ld-musl-${MACHINE}.so.1`
  copyFileSync(loader, path.join(root, loader))
  execFileSync('musl-gcc', ['-o', path.join(root, 'fetch'), fetchSource])
  return root
}

const tools = ['musl-gcc', 'unshare', 'chroot']

test.skipIf(lacks(...tools))(
  named('the installed library serves a program in a root of musl', ...tools),
  async () => {
    const newcomer = new Newcomer(inject('registry'))
    const root = muslRoot()
    try {
      for (const tool of ['unshare', 'chroot', 'mount']) newcomer.give(tool)
      const cwd = newcomer.directory('project')
      await newcomer.run(['npm', 'install', '@tailproxy/cli'], { cwd })
      // The library and the session's sockets are below /tmp, which the program sees as it is.
      const enter = `mount --bind /tmp ${root}/tmp && exec chroot ${root} /fetch hello`
      const words = ['lab', 'run', '--', 'unshare', '-rm', 'sh', '-c', enter]
      const said = await newcomer.run([`${cwd}/node_modules/.bin/tailproxy`, ...words], {
        env: { TMPDIR: '/tmp' },
      })
      expect(said).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Hello, .+!$/m) })
    } finally {
      newcomer.leave()
      rmSync(root, { recursive: true, force: true })
    }
  },
)
