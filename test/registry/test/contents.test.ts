import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'

const packages = fileURLToPath(new URL('../../../packages', import.meta.url))

const published = readdirSync(packages)
  .map((directory) =>
    JSON.parse(readFileSync(path.join(packages, directory, 'package.json'), 'utf8')),
  )
  .filter((manifest) => !manifest.private)
  .map(({ name }) => name as string)

/** The tarball of a package as the registry has it. */
async function tarballOf(name: string): Promise<Buffer> {
  const answer = await fetch(new URL(name.replace('/', '%2f'), inject('registry')))
  const { versions } = (await answer.json()) as {
    versions: Record<string, { dist: { tarball: string } }>
  }
  const [version] = Object.values(versions)
  const tarball = await fetch(version?.dist.tarball as string)
  return Buffer.from(await tarball.arrayBuffer())
}

function tar(args: readonly string[], input: Buffer): string {
  const { status, stdout, stderr } = spawnSync('tar', args, { input, maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`tar ${args.join(' ')}: ${stderr}`)
  return stdout.toString()
}

/** As `rwxr-xr-x bin/tailproxy-sidecar`; all sources are one line, tests among them another one. */
function contentsOf(tarball: Buffer): string {
  const lines = tar(['-tvz'], tarball).trimEnd().split('\n')
  const files = lines.map((line) => {
    const name = line.split(' package/')[1] ?? line
    const source = name.replace(/^src\/(?:.+\/)?[^/]+?(\.test)?\.ts$/, 'src/**/*$1.ts')
    return `${source} ${line.slice(1, 10)}`
  })
  return `${[...new Set(files)].sort().join('\n')}\n`
}

test.for(published)('%s has in it what it had', async (name) => {
  const tarball = await tarballOf(name)
  const file = `contents/${name.replace('@tailproxy/', '')}.txt`
  await expect(contentsOf(tarball)).toMatchFileSnapshot(file)
})

test.for(published)('%s runs nothing when it is installed', async (name) => {
  const manifest = JSON.parse(tar(['-xzO', 'package/package.json'], await tarballOf(name)))
  const { preinstall, install, postinstall, prepare } = manifest.scripts ?? {}
  expect([preinstall, install, postinstall, prepare].filter(Boolean)).toEqual([])
  // It came from a workspace, and a registry knows nothing of that.
  expect(JSON.stringify(manifest)).not.toContain('workspace:')
})
