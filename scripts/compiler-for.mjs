// The C compiler of each platform that packages are made for.
import { spawnSync } from 'node:child_process'
import process from 'node:process'

const TRIPLETS = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

/** gcc, or as Debian calls it where it makes code for another machine. */
export function compilerFor(arch) {
  return arch === process.arch ? 'gcc' : `${TRIPLETS[arch]}-gcc`
}

/** Its name when it is not there. */
export function missingCompiler(arch) {
  return versionOf(arch) === undefined ? compilerFor(arch) : undefined
}

/** What they say of themselves: another one may make other bytes. */
export function packageCompilers() {
  return Object.keys(TRIPLETS)
    .map((arch) => versionOf(arch) ?? `no ${compilerFor(arch)}`)
    .join('; ')
}

function versionOf(arch) {
  const { error, status, stdout } = spawnSync(compilerFor(arch), ['--version'], {
    encoding: 'utf8',
  })
  return error || status !== 0 ? undefined : stdout.split('\n', 1)[0]
}
