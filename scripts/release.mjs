// Publishes every package whose version the registry does not have yet: the binaries first, the command last.
// Usage: pnpm release [--dry-run] [--provenance] [--tag TAG] [--registry URL]
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { pnpmCommand } from './pnpm.mjs'
import { publishCommand } from './publish-command.mjs'
import { root, runTurbo } from './turbo.mjs'

/** Something is not as a release needs it. */
class ReleaseError extends Error {
  name = 'ReleaseError'
}

const { values: options } = parseArgs({
  options: {
    /** Does everything but the upload, and from any state of the tree. */
    'dry-run': { type: 'boolean', default: false },
    /** Has the registry told which run of which workflow built it; only such a run can (id-token: write). */
    provenance: { type: 'boolean', default: false },
    tag: { type: 'string', default: 'latest' },
    registry: { type: 'string' },
  },
})

function read(file) {
  return readFileSync(path.join(root, file), 'utf8')
}

function run([command, ...args]) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) throw new ReleaseError(`${args.join(' ')} ended with status ${status}`)
}

function git(...args) {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new ReleaseError(`git ${args.join(' ')}: ${stderr.trim()}`)
  return stdout.trim()
}

/** The manifests of what is published. */
function publicPackages() {
  const manifests = readdirSync(path.join(root, 'packages')).map((directory) =>
    JSON.parse(read(`packages/${directory}/package.json`)),
  )
  return manifests.filter((manifest) => !manifest.private)
}

/** What speaks a private protocol with each other has one version. */
function unequalVersions() {
  const { fixed } = JSON.parse(read('.changeset/config.json'))
  const versions = new Map(publicPackages().map(({ name, version }) => [name, version]))
  return fixed.flatMap((group) => {
    const found = new Set(group.map((name) => versions.get(name)))
    const told = group.map((name) => `${name} ${versions.get(name)}`)
    return found.size > 1 ? [`these have to have one version: ${told.join(', ')}`] : []
  })
}

function obstacles() {
  const found = unequalVersions()
  const changed = git('status', '--porcelain')
  if (changed !== '') found.push(`what is published has to be committed:\n${changed}`)
  const pending = readdirSync(path.join(root, '.changeset')).filter((name) => {
    return name.endsWith('.md') && name !== 'README.md'
  })
  if (pending.length > 0) {
    found.push(
      `${pending.length} changes are in no version yet: run pnpm changeset version, read what it wrote, and commit it`,
    )
  }
  return found
}

async function release() {
  const dryRun = options['dry-run']
  const found = obstacles()
  if (found.length > 0 && !dryRun) throw new ReleaseError(found.join('\n'))
  for (const obstacle of found) console.log(`a release would be refused: ${obstacle}`)
  const status = await runTurbo(['run', 'build', 'assemble', 'check:package'])
  if (status !== 0) throw new ReleaseError('what is to be published does not pass its checks')
  const { registry, tag, provenance } = options
  run(publishCommand({ registry, tag, provenance, dryRun, anyTree: dryRun }))
  if (dryRun) return
  run([...pnpmCommand(), 'changeset', 'tag'])
  console.log('published; git push --follow-tags tells where each version is')
}

try {
  await release()
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
