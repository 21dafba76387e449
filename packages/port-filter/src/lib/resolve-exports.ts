import { readFile } from 'node:fs/promises'
import path from 'node:path'

const CONDITIONS = new Set(['node', 'import', 'module-sync', 'default'])

/**
 * What a package exports to `import`: of Node's algorithm
 * (https://nodejs.org/api/esm.html#resolution-algorithm) what filters need, which are whole
 * packages and subpaths without patterns.
 *
 * @param directories the node_modules that Node would look in
 * @returns undefined when there is no such package, or it does not say so in its `exports`
 */
export async function resolveExports(
  specifier: string,
  directories: readonly string[],
): Promise<string | undefined> {
  const [, name, rest] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  for (const directory of directories) {
    const root = path.join(directory, name)
    const exports = await exportsOf(root)
    if (exports === undefined) continue
    const target = targetOf(exports, `.${rest}`)
    return target?.startsWith('./') ? path.join(root, target) : undefined
  }
  return undefined
}

async function exportsOf(root: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')).exports
  } catch {
    return undefined
  }
}

function targetOf(exports: unknown, subpath: string): string | undefined {
  const isMap =
    isObject(exports) && Object.keys(exports).some((key) => key === '.' || key.startsWith('./'))
  if (isMap) return Object.hasOwn(exports, subpath) ? conditional(exports[subpath]) : undefined
  return subpath === '.' ? conditional(exports) : undefined
}

/** The first condition that holds, in the order in which they are written. */
function conditional(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (Array.isArray(target)) {
    return target.map(conditional).find((each) => each !== undefined)
  }
  if (!isObject(target)) return undefined
  for (const [condition, inner] of Object.entries(target)) {
    const found = CONDITIONS.has(condition) ? conditional(inner) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
