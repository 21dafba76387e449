// Runs turbo with the compilers' versions in its environment, so that a new compiler is a new
// cache key. Usage: node scripts/turbo.mjs run build --filter=…
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { packageCompilers } from './compiler-for.mjs'
import { requireToolchain } from './toolchain.mjs'

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** Runs turbo and resolves to its exit status. Signals go to it as they come to us. */
export async function runTurbo(args, { stdio = 'inherit' } = {}) {
  const { go, compiler, compilerVersion } = requireToolchain()
  const turbo = spawn(
    process.execPath,
    [path.join(root, 'node_modules/turbo/bin/turbo'), ...args],
    {
      cwd: root,
      stdio,
      env: {
        ...process.env,
        CC: compiler,
        TAILPROXY_GO_TOOLCHAIN: go,
        TAILPROXY_CC_TOOLCHAIN: compilerVersion,
        TAILPROXY_PACKAGE_COMPILERS: packageCompilers(),
        TURBO_TELEMETRY_DISABLED: '1',
        DO_NOT_TRACK: '1',
        TURBO_NO_UPDATE_NOTIFIER: '1',
      },
    },
  )
  const forward = (signal) => turbo.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward)
  const [code, signal] = await once(turbo, 'close')
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, forward)
  return code ?? 128 + constants.signals[signal]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await runTurbo(process.argv.slice(2))
}
