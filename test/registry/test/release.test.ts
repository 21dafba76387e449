import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { test as base, expect, inject } from 'vitest'

const scripts = fileURLToPath(new URL('../../../scripts', import.meta.url))

/** A repository of two packages that have to have one version, with the scripts of this one. */
class Repository {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-release-'))

  constructor() {
    cpSync(scripts, path.join(this.directory, 'scripts'), { recursive: true })
    this.write('.changeset/config.json', { fixed: [['command', 'sidecar']] })
    this.write('packages/command/package.json', { name: 'command', version: '1.2.0' })
    this.write('packages/sidecar/package.json', { name: 'sidecar', version: '1.2.0' })
    this.git('init', '--quiet')
    this.commit()
  }

  write(file: string, content: unknown): void {
    const full = path.join(this.directory, file)
    mkdirSync(path.dirname(full), { recursive: true })
    writeFileSync(full, JSON.stringify(content))
  }

  git(...args: string[]): void {
    const who = ['-c', 'user.name=A', '-c', 'user.email=a@example.com']
    execFileSync('git', [...who, ...args], { cwd: this.directory })
  }

  commit(): void {
    this.git('add', '.')
    this.git('commit', '--quiet', '--message', 'All')
  }

  release(): { status: number | null; stderr: string } {
    const script = path.join(this.directory, 'scripts/release.mjs')
    // Nobody listens there: nothing is ever published by a test.
    const words = [script, '--registry', 'http://127.0.0.1:9/']
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    return { status, stderr }
  }
}

const test = base.extend<{ repository: Repository }>({
  repository: async ({}, use) => {
    const repository = new Repository()
    await use(repository)
    rmSync(repository.directory, { recursive: true })
  },
})

test('a tree with changes that are not committed is not released', ({ repository }) => {
  repository.write('packages/command/new.json', {})
  expect(repository.release()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^what is published has to be committed:\n.*new\.json\n$/),
  })
})

test('nor are changes that are in no version yet', ({ repository }) => {
  repository.write('.changeset/good.md', 'good')
  repository.write('.changeset/README.md', 'no change')
  repository.commit()
  expect(repository.release()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^1 changes are in no version yet: run pnpm changeset version/),
  })
})

test('nor are packages of different versions that speak a private protocol', ({ repository }) => {
  repository.write('packages/sidecar/package.json', { name: 'sidecar', version: '1.1.0' })
  repository.commit()
  expect(repository.release()).toMatchObject({
    status: 1,
    stderr: 'these have to have one version: command 1.2.0, sidecar 1.1.0\n',
  })
})

test('what is published already is published no more', () => {
  const [first, again] = inject('published')
  expect(first).toContain('Published package @tailproxy/cli')
  expect(again).not.toContain('Published package')
})
