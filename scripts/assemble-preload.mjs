// Puts the preload library into the platform package in the current directory, as it will be
// published. It has no code in it but ours.
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { compilerFor, missingCompiler } from './compiler-for.mjs'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const [arch] = manifest.publishConfig.cpu
const library = path.resolve('lib/libtailproxy.so')

rmSync(library, { force: true })
const missing = missingCompiler(arch)
if (missing) {
  // Not a failure: nobody who works on something else needs it. What publishes sees that the file is missing.
  console.log(`${manifest.name} is not assembled: needs ${missing}`)
  process.exit()
}
const source = fileURLToPath(new URL('../native/preload', import.meta.url))
// Relative: make takes a path with a space for two.
const build = `build/package-${arch}`
const built = `${build}/libtailproxy.so`
const { CC: _, CFLAGS: __, LDFLAGS: ___, CPPFLAGS: ____, ...env } = process.env
const words = ['-s', `CC=${compilerFor(arch)}`, `BUILD=${build}`, `LIBRARY=${built}`, 'all']
const { status } = spawnSync('make', words, { cwd: source, env, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
mkdirSync(path.dirname(library), { recursive: true })
copyFileSync(path.join(source, built), library)
// It is loaded, not run, and the mode is part of the tarball.
chmodSync(library, 0o644)
