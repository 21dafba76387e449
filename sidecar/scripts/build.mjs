// Builds dist/tailproxy-sidecar: static, stripped, without paths of this machine.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { BUILD_TAGS } from './tags.mjs'

const directory = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const { version } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'))
const versionVariable = 'github.com/tailproxy/tailproxy/sidecar/internal/version.number'

const { status, error } = spawnSync(
  'go',
  [
    'build',
    '-trimpath',
    `-tags=${BUILD_TAGS}`,
    `-ldflags=-s -w -buildid= -X ${versionVariable}=${version}`,
    '-o',
    'dist/tailproxy-sidecar',
    './cmd/tailproxy-sidecar',
  ],
  { cwd: directory, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } },
)
if (error) throw error
process.exitCode = status ?? 1
