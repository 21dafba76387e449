import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { place, test } from '../testing/directory.ts'
import { EM_AARCH64, EM_X86_64, elfFile } from '../testing/elf-file.ts'
import { findNativeBinary } from './find-native-binary.ts'
import type { NativeBinary } from './native-binary.ts'

const binary: NativeBinary = {
  title: 'the gadget',
  variable: 'TAILPROXY_GADGET',
  packagePrefix: '@tailproxy/gadget',
  pathInPackage: 'bin/gadget',
  pathInCheckout: 'gadget/dist/gadget',
  executable: true,
}
const MACHINES = { x64: EM_X86_64, arm64: EM_AARCH64 }
const X64 = { system: 'linux', architecture: 'x64' } as const
const ARM64 = { system: 'linux', architecture: 'arm64' } as const

const gadget = (architecture: 'x64' | 'arm64' = 'x64') =>
  elfFile({ machine: MACHINES[architecture] })

/** As npm puts it there. */
function packaged(root: string, name = 'gadget-linux-x64', content: string | Buffer = gadget()) {
  const directory = path.join(root, 'node_modules/@tailproxy', name)
  mkdirSync(directory, { recursive: true })
  writeManifest(directory)
  return place(path.join(directory, 'bin/gadget'), content)
}

function writeManifest(directory: string): void {
  const exports = { './bin/gadget': './bin/gadget', './package.json': './package.json' }
  writeFileSync(path.join(directory, 'package.json'), JSON.stringify({ exports }))
}

function checkedOut(root: string): string {
  writeFileSync(path.join(root, 'pnpm-workspace.yaml'), '')
  return place(path.join(root, 'gadget/dist/gadget'), gadget())
}

const find = (root: string, env: NodeJS.ProcessEnv = {}) => findNativeBinary(binary, root, env, X64)

const failing = (code: string, message: string) => expect.objectContaining({ code, message })
const absent = (message: string) => failing('ERR_NATIVE_BINARY_NOT_FOUND', message)
const unusable = (message: string) => failing('ERR_NATIVE_BINARY_UNUSABLE', message)

test('takes the file that the environment names before any other', ({ root }) => {
  packaged(root)
  checkedOut(root)
  const chosen = place(path.join(root, 'mine'), gadget())
  expect(find(root, { TAILPROXY_GADGET: chosen })).toBe(chosen)
})

test('takes a script from the environment', ({ root }) => {
  const chosen = place(path.join(root, 'wrapper'), '#!/bin/sh\n')
  expect(find(root, { TAILPROXY_GADGET: chosen })).toBe(chosen)
})

test.for([
  ['is missing', () => {}],
  ['is not a file', (file: string) => mkdirSync(file)],
] as const)(
  'refuses what the environment names when it %s, instead of looking further',
  ([found, make], { root }) => {
    packaged(root)
    const chosen = path.join(root, 'mine')
    make(chosen)
    expect(() => find(root, { TAILPROXY_GADGET: chosen })).toThrow(
      absent(`TAILPROXY_GADGET is "${chosen}", which ${found}; correct or unset it`),
    )
  },
)

test('refuses a file from the environment that is for another machine', ({ root }) => {
  const chosen = place(path.join(root, 'mine'), gadget('arm64'))
  expect(() => find(root, { TAILPROXY_GADGET: chosen })).toThrow(
    unusable(
      `TAILPROXY_GADGET is "${chosen}", which is for arm64, and this machine is x64; correct or unset it`,
    ),
  )
})

test('takes the platform package before a local build', ({ root }) => {
  const inPackage = packaged(root)
  checkedOut(root)
  expect(find(root)).toBe(inPackage)
})

test('takes the package of the platform it is asked for', ({ root }) => {
  packaged(root)
  const inPackage = packaged(root, 'gadget-linux-arm64', gadget('arm64'))
  expect(findNativeBinary(binary, root, {}, ARM64)).toBe(inPackage)
})

test('takes the package in a store that node_modules links to', ({ root }) => {
  const store = path.join(root, 'node_modules/.pnpm/gadget@1')
  const inStore = packaged(store)
  mkdirSync(path.join(root, 'node_modules/@tailproxy'))
  symlinkSync(
    path.join(store, 'node_modules/@tailproxy/gadget-linux-x64'),
    path.join(root, 'node_modules/@tailproxy/gadget-linux-x64'),
  )
  expect(find(root)).toBe(inStore)
})

test('passes over a package of the workspace, which may be older than the local build', ({
  root,
}) => {
  const built = checkedOut(root)
  const source = path.join(root, 'packages/gadget-linux-x64')
  place(path.join(source, 'bin/gadget'), gadget())
  writeManifest(source)
  mkdirSync(path.join(root, 'node_modules/@tailproxy'), { recursive: true })
  symlinkSync(source, path.join(root, 'node_modules/@tailproxy/gadget-linux-x64'))
  expect(find(root)).toBe(built)
})

test('takes the local build of the checkout it is in', ({ root }) => {
  const built = checkedOut(root)
  const from = path.join(root, 'packages/gadget/src')
  mkdirSync(from, { recursive: true })
  expect(find(from)).toBe(built)
})

test.for([
  ['is missing', undefined],
  ['is no whole ELF file (it has 0 bytes)', ''],
  ['is for arm64, and this machine is x64', gadget('arm64')],
] as const)(
  'refuses a package whose file %s, and takes no local build in its place',
  ([found, content], { root }) => {
    checkedOut(root)
    packaged(root, undefined, content ?? '')
    const directory = path.join(root, 'node_modules/@tailproxy/gadget-linux-x64')
    const file = path.join(directory, 'bin/gadget')
    const from = path.join(root, 'node_modules/@tailproxy/cli/dist')
    mkdirSync(from, { recursive: true })
    if (content === undefined) rmSync(file)
    expect(() => find(from)).toThrow(
      unusable(`${file} ${found}; install @tailproxy/gadget-linux-x64 again`),
    )
  },
)

test('refuses a local build that is cut short', ({ root }) => {
  const built = checkedOut(root)
  place(built, gadget().subarray(0, 100))
  expect(() => find(root)).toThrow(
    unusable(
      `${built} is no whole ELF file (it has 100 bytes); build it again (npx -y pnpm build)`,
    ),
  )
})

test('says what a package that was left out is called, and how it comes in', ({ root }) => {
  expect(() => find(root)).toThrow(
    absent(
      'the gadget was not found for linux-x64, because @tailproxy/gadget-linux-x64 is not installed; install it, or all again without --no-optional and --omit=optional, or name a file in TAILPROXY_GADGET',
    ),
  )
})

test('says when node_modules comes from another machine', ({ root }) => {
  packaged(root)
  expect(() => findNativeBinary(binary, root, {}, ARM64)).toThrow(
    absent(
      'the gadget is installed for linux-x64, and this is linux-arm64: node_modules comes from another machine; install on this one, so that @tailproxy/gadget-linux-arm64 is there, or name a file in TAILPROXY_GADGET',
    ),
  )
})

test.for([
  ['darwin', 'arm64'],
  ['linux', 'riscv64'],
  ['linux', 'ia32'],
] as const)('says which platforms there are for on %s-%s', ([system, architecture], { root }) => {
  expect(() => findNativeBinary(binary, root, {}, { system, architecture })).toThrow(
    absent(
      `the gadget is made for linux-x64 and linux-arm64, and this is ${system}-${architecture}; build one for it and name it in TAILPROXY_GADGET`,
    ),
  )
})

test('says how a checkout is built', ({ root }) => {
  writeFileSync(path.join(root, 'pnpm-workspace.yaml'), '')
  expect(() => find(root)).toThrow(
    absent(
      'the gadget was not built for linux-x64 in this checkout; build it (npx -y pnpm build), or name one in TAILPROXY_GADGET',
    ),
  )
})

test('takes no build from a directory above that is not a checkout', ({ root }) => {
  place(path.join(root, 'gadget/dist/gadget'), gadget())
  expect(() => find(root)).toThrow(expect.objectContaining({ code: 'ERR_NATIVE_BINARY_NOT_FOUND' }))
})

test('takes no build of a workspace in which it is installed', ({ root }) => {
  checkedOut(root)
  const from = path.join(root, 'node_modules/@tailproxy/cli/dist')
  mkdirSync(from, { recursive: true })
  expect(() => find(from)).toThrow(expect.objectContaining({ code: 'ERR_NATIVE_BINARY_NOT_FOUND' }))
})
