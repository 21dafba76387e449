// The README's first command: builds what is missing, then fetches a page from a tailnet that
// exists for just as long, with a curl that knows nothing of it.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import process from 'node:process'
import { requireToolchain } from './toolchain.mjs'
import { root, runTurbo } from './turbo.mjs'

const COMMAND = ['lab', 'run', '--', 'curl', '--silent', '--show-error', '--fail', 'http://hello/']

requireToolchain()
if (spawnSync('curl', ['--version']).error) {
  process.stderr.write(
    'tailproxy: the demo fetches a page with curl; install it (Debian: apt-get install curl)\n',
  )
  process.exit(1)
}
console.log('Building (minutes the first time, a second from then on) …')
const built = await runTurbo([
  'run',
  'build',
  '--filter=@tailproxy/cli',
  '--filter=@tailproxy/native-sidecar',
  '--filter=@tailproxy/native-preload',
  '--output-logs=errors-only',
])
if (built !== 0) process.exit(built)

console.log(`\n$ tailproxy -verbose ${COMMAND.join(' ')}\n`)
const started = performance.now()
const demo = spawn(path.join(root, 'node_modules/.bin/tailproxy'), ['-verbose', ...COMMAND], {
  stdio: 'inherit',
})
// Ctrl-C goes to the whole foreground group; the command cleans up and we wait for it.
process.on('SIGINT', () => {})
const [code] = await once(demo, 'close')
const seconds = ((performance.now() - started) / 1000).toFixed(1)
if (code === 0) {
  console.log(
    `\nA tailnet started, curl reached a node on it by name, and all of it is gone again: ${seconds} s.`,
  )
}
process.exitCode = code ?? 1
