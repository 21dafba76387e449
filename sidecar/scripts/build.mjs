// Builds tailproxy-sidecar: static, stripped, the same bytes from the same source wherever it lies.
// Usage: node scripts/build.mjs [--arch x64|arm64] [--output FILE]
// Without --arch it is for this machine, and Go's own variables (GOAMD64, GOFLAGS …) have their say;
// with it, as the packages are built, nothing of the environment changes the result.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { buildFlags, findGo, goEnvironment, releaseEnvironment, root, versionFlag } from './go.mjs'

const { values: options } = parseArgs({
  options: {
    arch: { type: 'string' },
    output: { type: 'string', default: path.join(root, 'dist/tailproxy-sidecar') },
  },
})
if (!findGo()) {
  process.stderr.write('tailproxy-sidecar is built with Go 1.26 or newer; install it from go.dev\n')
  process.exit(1)
}
// -B gobuildid: a GNU build id made from Go's own one, which names the inputs.
const { status, error } = spawnSync(
  'go',
  [
    'build',
    ...buildFlags,
    ...['-ldflags', `-s -w -B gobuildid ${versionFlag()}`],
    ...['-o', path.resolve(options.output), './cmd/tailproxy-sidecar'],
  ],
  {
    cwd: root,
    env: options.arch === undefined ? goEnvironment : releaseEnvironment(options.arch),
    stdio: 'inherit',
  },
)
if (error) throw error
process.exitCode = status ?? 1
