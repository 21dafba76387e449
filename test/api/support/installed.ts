import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { test as base } from 'vitest'
import { findDependency, libraries } from './packages.ts'

/** A project with all libraries as they would be installed: their `dist`, and the exports that are published. */
export const test = base.extend<{ project: string }>({
  project: [
    async ({}, use) => {
      const project = mkdtempSync(path.join(tmpdir(), 'tailproxy-api-'))
      writeFileSync(path.join(project, 'package.json'), '{"private": true, "type": "module"}\n')
      install(path.join(project, 'node_modules'))
      await use(project)
      rmSync(project, { recursive: true })
    },
    { scope: 'file' },
  ],
})

function install(modules: string): void {
  for (const library of libraries) {
    const { directory, manifest } = library
    const target = path.join(modules, library.name)
    const published = { ...manifest, exports: manifest.publishConfig?.exports }
    mkdirSync(target, { recursive: true })
    writeFileSync(path.join(target, 'package.json'), JSON.stringify(published))
    cpSync(path.join(directory, 'dist'), path.join(target, 'dist'), { recursive: true })
    const needed = { ...manifest.dependencies, ...manifest.peerDependencies }
    for (const name of Object.keys(needed)) {
      if (!name.startsWith('@tailproxy/')) link(findDependency(library, name), modules, name)
    }
  }
  for (const name of ['@types/node', 'undici']) {
    const manifest = import.meta.resolve(`${name}/package.json`)
    link(path.dirname(fileURLToPath(manifest)), modules, name)
  }
}

function link(target: string, modules: string, name: string): void {
  const file = path.join(modules, name)
  rmSync(file, { force: true })
  mkdirSync(path.dirname(file), { recursive: true })
  symlinkSync(target, file)
}
