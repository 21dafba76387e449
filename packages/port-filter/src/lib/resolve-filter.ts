import { stat } from 'node:fs/promises'
import { createRequire, isBuiltin } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { FilterNotFoundError } from './load-errors.ts'
import { quote } from './quote.ts'
import { resolveExports } from './resolve-exports.ts'

const IS_PATH = /^\.{0,2}\/|^\.{1,2}$/
const IS_URL = /^[a-z][a-z\d+.-]*:/i
const WANTED = 'allowed are a path (./…, ../… or /…), a file: URL and a package name'

/**
 * @param from the directory that relative paths and packages are looked up from
 * @returns the file's URL
 * @throws {FilterNotFoundError}
 */
export async function resolveFilter(specifier: string, from: string): Promise<string> {
  const file = IS_PATH.test(specifier)
    ? path.resolve(from, specifier)
    : IS_URL.test(specifier)
      ? fileOfUrl(specifier)
      : await fileOfPackage(specifier, from)
  await requireFile(specifier, file)
  return pathToFileURL(file).href
}

function fileOfUrl(specifier: string): string {
  try {
    return fileURLToPath(specifier)
  } catch (cause) {
    const found = `it is a URL that names no file here`
    throw new FilterNotFoundError(specifier, `${found}; ${WANTED}`, { cause })
  }
}

/**
 * `import.meta.resolve` takes no other parent without a flag, and createRequire finds what a package
 * has for `require`, if anything; so what it has for `import` is looked up first.
 */
async function fileOfPackage(specifier: string, from: string): Promise<string> {
  if (isBuiltin(specifier)) {
    throw new FilterNotFoundError(specifier, `it is a module of Node's own; ${WANTED}`)
  }
  const require = createRequire(path.join(path.resolve(from), 'noop.js'))
  const file = await resolveExports(specifier, require.resolve.paths(specifier) ?? [])
  if (file) return file
  try {
    return require.resolve(specifier)
  } catch (cause) {
    throw new FilterNotFoundError(specifier, await whyNoPackage(specifier, from, cause), { cause })
  }
}

async function whyNoPackage(specifier: string, from: string, cause: unknown): Promise<string> {
  if ((cause as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
    return 'its package is installed and does not export it'
  }
  const isThere = await stat(path.resolve(from, specifier)).catch(() => undefined)
  const hint = isThere ? `; for the file of that name write ${quote(`./${specifier}`)}` : ''
  return `no package of that name is installed for ${path.resolve(from)}${hint}`
}

async function requireFile(specifier: string, file: string): Promise<void> {
  try {
    if ((await stat(file)).isFile()) return
  } catch (cause) {
    throw new FilterNotFoundError(specifier, `there is no file ${file}`, { cause })
  }
  throw new FilterNotFoundError(specifier, `${file} is not a file; name the module in it`)
}
