import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { expect, vi } from 'vitest'
import { test as base, place as placeAnyFile } from '../testing/directory.ts'
import { placeLibrary } from './place-library.ts'

const NO_PLACE = expect.objectContaining({ code: 'ERR_PRELOAD_PLACEMENT' })

const test = base.extend<{ library: string; place: string; ours: string }>({
  library: async ({ directory }, use) => {
    await use(placeAnyFile(path.join(directory, 'libtailproxy.so'), 'the library', 0o600))
  },
  /** As /tmp is. */
  place: async ({ directory }, use) => {
    const place = path.join(directory, 'tmp')
    mkdirSync(place)
    chmodSync(place, 0o1777)
    await use(place)
  },
  ours: async ({ place }, use) => {
    await use(path.join(place, `tailproxy-${process.geteuid?.()}`))
  },
})

function modeOf(file: string): number {
  return lstatSync(file).mode & 0o7777
}

test('copies the library to where every user can read it', ({ library, place, ours }) => {
  const placed = placeLibrary(library, { places: [place] })
  expect(path.dirname(placed)).toBe(ours)
  expect(path.basename(placed)).toMatch(/^libtailproxy-[0-9a-f]{16}\.so$/)
  expect(readFileSync(placed, 'utf8')).toBe('the library')
  expect([modeOf(ours), modeOf(placed)]).toEqual([0o755, 0o555])
})

test('names it by its build id, and by its content where it has none', ({ library, place }) => {
  const note = Buffer.from('\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0', 'latin1')
  const named = (content: Buffer): string => {
    writeFileSync(library, content)
    return path.basename(placeLibrary(library, { places: [place] }))
  }
  expect(named(Buffer.concat([note, Buffer.alloc(20, 0xab)]))).toBe(
    'libtailproxy-abababababababab.so',
  )
  expect(named(Buffer.concat([note, Buffer.alloc(19, 0xab)]))).not.toContain('abab')
})

test('has the same modes under any umask', ({ library, place, ours }) => {
  const before = process.umask(0o077)
  try {
    const placed = placeLibrary(library, { places: [place] })
    expect([modeOf(ours), modeOf(placed)]).toEqual([0o755, 0o555])
  } finally {
    process.umask(before)
  }
})

test('places it once, and another version beside it', ({ library, place, ours }) => {
  const first = placeLibrary(library, { places: [place] })
  const { ino } = lstatSync(first)
  expect(placeLibrary(library, { places: [place] })).toBe(first)
  expect(lstatSync(first).ino).toBe(ino)
  writeFileSync(library, 'a newer library')
  expect(placeLibrary(library, { places: [place] })).not.toBe(first)
  expect(readdirSync(ours)).toHaveLength(2)
})

test.for([
  ['content', (file: string) => writeFileSync(file, 'something else!')],
  ['as much other content', (file: string) => writeFileSync(file, 'THE LIBRARY')],
  ['a mode', (file: string) => chmodSync(file, 0o700)],
] as const)(
  'replaces a file that has %s that is not ours',
  ([, spoil], { library, place, ours }) => {
    const placed = placeLibrary(library, { places: [place] })
    chmodSync(placed, 0o755)
    spoil(placed)
    expect(placeLibrary(library, { places: [place] })).toBe(placed)
    expect([readFileSync(placed, 'utf8'), modeOf(placed)]).toEqual(['the library', 0o555])
    expect(readdirSync(ours)).toHaveLength(1)
  },
)

test('replaces a link where the file should be, and leaves its target alone', ({
  library,
  place,
  directory,
}) => {
  const placed = placeLibrary(library, { places: [place] })
  const target = placeAnyFile(path.join(directory, 'target'), 'a target')
  rmSync(placed)
  symlinkSync(target, placed)
  placeLibrary(library, { places: [place] })
  expect(lstatSync(placed).isFile()).toBe(true)
  expect(readFileSync(target, 'utf8')).toBe('a target')
})

test('opens a directory of its own that it finds closed', ({ library, place, ours }) => {
  mkdirSync(ours, { mode: 0o700 })
  placeLibrary(library, { places: [place] })
  expect(modeOf(ours)).toBe(0o755)
})

test.for([
  ['is a file', (ours: string) => writeFileSync(ours, '')],
  ['is a link', (ours: string) => symlinkSync(path.dirname(ours), ours)],
  ['is a link to nowhere', (ours: string) => symlinkSync('/nonexistent', ours)],
  [
    'is writable by others',
    (ours: string) => {
      mkdirSync(ours)
      chmodSync(ours, 0o777)
    },
  ],
] as const)(
  'takes the next place when its directory %s',
  ([, plant], { library, place, ours, directory }) => {
    plant(ours)
    const next = path.join(directory, 'next')
    mkdirSync(next)
    expect(placeLibrary(library, { places: [place, next] })).toContain(next)
    expect(() => placeLibrary(library, { places: [place] })).toThrow(NO_PLACE)
  },
)

test('takes no directory of another user', ({ library, place }) => {
  const stranger = (process.geteuid?.() ?? 0) + 1
  const theirs = path.join(place, `tailproxy-${stranger}`)
  mkdirSync(theirs, { mode: 0o755 })
  vi.spyOn(process, 'geteuid').mockReturnValue(stranger)
  expect(() => placeLibrary(library, { places: [place] })).toThrow(NO_PLACE)
  expect(readdirSync(theirs)).toEqual([])
})

test('takes no place where others could put our directory aside', ({ library, place }) => {
  chmodSync(place, 0o777)
  expect(() => placeLibrary(library, { places: [place] })).toThrow(NO_PLACE)
})

test.for(['with space', 'with:colon', 'with$dollar'])(
  'takes no place "%s", which ld.so takes apart',
  (name, { library, directory }) => {
    const place = path.join(directory, name)
    mkdirSync(place)
    expect(() => placeLibrary(library, { places: [place] })).toThrow(NO_PLACE)
  },
)

test('says of each place why it would not do', ({ library, place, directory }) => {
  chmodSync(place, 0o777)
  const places = [place, path.join(directory, 'nothing')]
  expect(() => placeLibrary(library, { places })).toThrow(/sticky bit; ENOENT/)
})

/** The module as JavaScript, since what runs it is Node alone. */
function transpiled(directory: string): string {
  const compilerOptions = { module: ts.ModuleKind.ESNext, rewriteRelativeImportExtensions: true }
  writeFileSync(path.join(directory, 'package.json'), '{"type": "module"}')
  for (const name of ['errors', 'place-library']) {
    const source = readFileSync(new URL(`./${name}.ts`, import.meta.url), 'utf8')
    const { outputText } = ts.transpileModule(source, { compilerOptions })
    writeFileSync(path.join(directory, `${name}.js`), outputText)
  }
  return path.join(directory, 'place-library.js')
}

/** What runs a command with mounts of its own, as root or where user namespaces are allowed. */
const unshare = [['--mount'], ['--mount', '--user', '--map-root-user']].find(
  (options) => spawnSync('unshare', [...options, 'true']).status === 0,
)

test.skipIf(!unshare)(
  'takes no place mounted noexec (skipped: needs mount namespaces)',
  ({ library, place, directory }) => {
    const script = `
      import { placeLibrary } from ${JSON.stringify(transpiled(directory))}
      placeLibrary(process.argv[1], { places: [process.argv[2]] })`
    const mount =
      'mount -t tmpfs -o noexec,mode=1777 tmpfs "$2" && exec "$0" --input-type=module -e "$3" "$1" "$2"'
    const words = ['sh', '-c', mount, process.execPath, library, place, script]
    const { stderr } = spawnSync('unshare', [...(unshare ?? []), ...words], { encoding: 'utf8' })
    expect(stderr).toMatch(/ERR_PRELOAD_PLACEMENT/)
    expect(stderr).toMatch(/mounted noexec/)
  },
)

test('places one whole file when many processes place it at once', async ({
  library,
  place,
  ours,
  directory,
}) => {
  writeFileSync(library, Buffer.alloc(200_000, 'library'))
  const script = `
    import { placeLibrary } from ${JSON.stringify(transpiled(directory))}
    process.stdin.once('data', () => {
      for (let round = 0; round < 5; round++) placeLibrary(process.argv[1], { places: [process.argv[2]] })
      process.stdin.destroy()
    })
    process.stdout.write('ready')`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, library, place], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  await Promise.all(children.map((child) => once(child.stdout, 'data')))
  const ends = children.map((child) => once(child, 'close'))
  for (const child of children) child.stdin.write('go')
  for (const [status] of await Promise.all(ends)) expect(status).toBe(0)
  expect(readdirSync(ours)).toHaveLength(1)
  expect(readFileSync(placeLibrary(library, { places: [place] }))).toEqual(readFileSync(library))
})
