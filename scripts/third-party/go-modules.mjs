// The Go modules that a command is linked from, Go's own library included.
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { licencesIn } from './licence.mjs'

const MAX_LIST_BYTES = 64 * 1024 * 1024
const FIELDS = [
  '{{.ImportPath}}',
  '{{.Dir}}',
  '{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}',
]

/**
 * The components of the command in `target`, as `go list` says for these flags and this environment.
 *
 * @param {{root: string, target: string, flags: string[], env: NodeJS.ProcessEnv, own: string}} command
 *   `own`: the path of the module that is not somebody else's
 * @returns {import('./notices.mjs').Component[]}
 */
export function goComponents({ root, target, flags, env, own }) {
  const go = (...args) =>
    execFileSync('go', args, { cwd: root, env, encoding: 'utf8', maxBuffer: MAX_LIST_BYTES })
  const [goRoot, goVersion] = go('env', 'GOROOT', 'GOVERSION').trim().split('\n')
  const modules = new Map()
  for (const line of go('list', '-deps', ...flags, '-f', FIELDS.join('\t'), target)
    .trim()
    .split('\n')) {
    const [, directory, name = 'std', version = goVersion, moduleRoot = goRoot] = filled(line)
    if (name === own) continue
    const key = name === 'std' ? `golang.org/std ${version}` : `${name} ${version}`
    const module = modules.get(key) ?? { name, version, root: moduleRoot, directories: new Set() }
    module.directories.add(directory)
    modules.set(key, module)
  }
  return [...modules.values()].map((module) => componentOf(module))
}

const filled = (line) => line.split('\t').map((field) => field || undefined)

function componentOf({ name, version, root, directories }) {
  const number = name === 'std' ? version.replace(/^go/, '') : version
  return {
    name: name === 'std' ? 'Go standard library' : name,
    version: number,
    purl: `pkg:golang/${name}@${number}`,
    licences: licencesAbove(root, directories),
  }
}

/** Parts of a module may come from elsewhere, with a licence of their own beside them. */
function licencesAbove(root, directories) {
  const above = new Set()
  for (const directory of directories) {
    for (let at = directory; at.startsWith(root); at = path.dirname(at)) above.add(at)
  }
  const found = new Map()
  for (const directory of [...above].sort()) {
    for (const { name, text } of licencesIn(directory)) {
      if ([...found.values()].includes(text)) continue
      found.set(path.join(path.relative(root, directory), name), text)
    }
  }
  return [...found].map(([name, text]) => ({ name, text }))
}
