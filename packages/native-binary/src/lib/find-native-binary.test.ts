import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base, expect } from 'vitest'
import { findNativeBinary, type NativeBinary } from './find-native-binary.ts'

const binary: NativeBinary = {
  title: 'the gadget',
  variable: 'TAILPROXY_GADGET',
  packagePrefix: '@tailproxy/gadget',
  pathInPackage: 'bin/gadget',
  pathInCheckout: 'gadget/dist/gadget',
  executable: true,
}

const test = base.extend<{ root: string }>({
  root: async ({}, use) => {
    const root = mkdtempSync(path.join(tmpdir(), 'native-binary-'))
    await use(root)
    rmSync(root, { recursive: true })
  },
})

function place(file: string, mode = 0o755): string {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, '')
  chmodSync(file, mode)
  return file
}

function packaged(root: string): string {
  const directory = path.join(
    root,
    `node_modules/@tailproxy/gadget-${process.platform}-${process.arch}`,
  )
  mkdirSync(directory, { recursive: true })
  writeFileSync(path.join(directory, 'package.json'), '{}')
  return place(path.join(directory, 'bin/gadget'))
}

function checkedOut(root: string): string {
  writeFileSync(path.join(root, 'pnpm-workspace.yaml'), '')
  return place(path.join(root, 'gadget/dist/gadget'))
}

test('takes the file that the environment names before any other', ({ root }) => {
  packaged(root)
  checkedOut(root)
  const chosen = place(path.join(root, 'mine'))
  expect(findNativeBinary(binary, root, { TAILPROXY_GADGET: chosen })).toBe(chosen)
})

test('refuses a file from the environment that cannot be run, instead of looking further', ({
  root,
}) => {
  packaged(root)
  const chosen = path.join(root, 'nothing')
  expect(() => findNativeBinary(binary, root, { TAILPROXY_GADGET: chosen })).toThrow(
    expect.objectContaining({
      code: 'ERR_NATIVE_BINARY_NOT_FOUND',
      message: expect.stringContaining(chosen),
    }),
  )
})

test('takes a directory for no file', ({ root }) => {
  expect(() => findNativeBinary(binary, root, { TAILPROXY_GADGET: root })).toThrow(
    expect.objectContaining({ code: 'ERR_NATIVE_BINARY_NOT_FOUND' }),
  )
})

test('takes the platform package before a local build', ({ root }) => {
  const inPackage = packaged(root)
  checkedOut(root)
  expect(findNativeBinary(binary, root, {})).toBe(inPackage)
})

test('takes the local build of the checkout it is in', ({ root }) => {
  const built = checkedOut(root)
  const from = path.join(root, 'packages/gadget/src')
  mkdirSync(from, { recursive: true })
  expect(findNativeBinary(binary, from, {})).toBe(built)
})

test('takes no build from a directory above that is not a checkout', ({ root }) => {
  place(path.join(root, 'gadget/dist/gadget'))
  expect(() => findNativeBinary(binary, root, {})).toThrow(
    expect.objectContaining({ code: 'ERR_NATIVE_BINARY_NOT_FOUND' }),
  )
})

test('names the platform, the package and the variable when there is none', ({ root }) => {
  const platform = `${process.platform}-${process.arch}`
  expect(() => findNativeBinary(binary, root, {})).toThrow(
    `the gadget was not found for ${platform}: install @tailproxy/gadget-${platform}, build it in a checkout (pnpm build), or name it in TAILPROXY_GADGET`,
  )
})
