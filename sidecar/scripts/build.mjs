// Builds dist/tailproxy-sidecar: static, stripped, the same bytes from the same source.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { buildFlags, findGo, goEnvironment, root } from './go.mjs'

const VERSION_VARIABLE = 'github.com/tailproxy/tailproxy/sidecar/internal/version.number'

if (!findGo()) {
  process.stderr.write('tailproxy-sidecar is built with Go 1.26 or newer; install it from go.dev\n')
  process.exit(1)
}
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
const { status, error } = spawnSync(
  'go',
  [
    'build',
    ...buildFlags,
    '-ldflags',
    `-s -w -buildid= -X ${VERSION_VARIABLE}=${version}`,
    '-o',
    path.join('dist', 'tailproxy-sidecar'),
    './cmd/tailproxy-sidecar',
  ],
  { cwd: root, env: goEnvironment, stdio: 'inherit' },
)
if (error) throw error
process.exitCode = status ?? 1
