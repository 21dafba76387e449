// Puts the sidecar into the platform package in the current directory, as it will be published, with
// what is to be said of the code in it.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { buildFlags, releaseEnvironment, root } from '../sidecar/scripts/go.mjs'
import { goComponents } from './third-party/go-modules.mjs'
import { cycloneDx, licencesText } from './third-party/notices.mjs'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const [arch] = manifest.publishConfig.cpu
const output = path.resolve('bin/tailproxy-sidecar')

mkdirSync(path.dirname(output), { recursive: true })
rmSync(output, { force: true })
const build = path.join(root, 'scripts/build.mjs')
const { status } = spawnSync(process.execPath, [build, '--arch', arch, '--output', output], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)
chmodSync(output, 0o755)

const components = goComponents({
  root,
  target: './cmd/tailproxy-sidecar',
  flags: buildFlags,
  env: releaseEnvironment(arch),
  own: 'github.com/tailproxy/tailproxy/sidecar',
})
writeFileSync('THIRD-PARTY-LICENSES', licencesText(components))
writeFileSync('sbom.cdx.json', cycloneDx(manifest, components))
