import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { test as base, expect } from 'vitest'
import { asNobody } from '../testing/home.ts'
import { readConfigFile } from './config-file.ts'
import { ConfigError } from './errors.ts'

const test = base.extend<{ file: string }>({
  file: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'config-'))
    await use(path.join(directory, 'tailproxy.json'))
    rmSync(directory, { recursive: true })
  },
})

function write(file: string, content: string | Uint8Array): string {
  writeFileSync(file, content)
  return file
}

async function errorOf(read: () => unknown): Promise<ConfigError> {
  try {
    await read()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('reads comments and trailing commas', async ({ file }) => {
  const content = `{
    // Who we are.
    "hostname": "laptop", /* and more */
    "bypass": ["192.0.2.0/24",],
  }`
  expect(Object.fromEntries(await readConfigFile(write(file, content)))).toEqual({
    hostname: 'laptop',
    bypass: ['192.0.2.0/24'],
  })
})

test('reads past a byte order mark', async ({ file }) => {
  expect((await readConfigFile(write(file, '\uFEFF{"hostname": "laptop"}'))).get('hostname')).toBe(
    'laptop',
  )
})

test('takes an empty object for no settings', async ({ file }) => {
  expect((await readConfigFile(write(file, '{}'))).size).toBe(0)
})

test('knows every setting by its key in a file', async ({ file }) => {
  const content = {
    hostname: 1,
    authkey: 2,
    control_url: 3,
    state_dir: 4,
    proxy_port: 5,
    bypass: 6,
    only_tailnet: 7,
    allow_unwrapped: 8,
    ephemeral: 9,
    tailscale_logs: 10,
    verbose: 11,
  }
  const found = await readConfigFile(write(file, JSON.stringify(content)))
  expect([...found.values()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
})

test('says where the file is not JSON', async ({ file }) => {
  const { message } = await errorOf(() =>
    readConfigFile(write(file, '{\n  "hostname" "laptop"\n}')),
  )
  expect(message).toContain(file)
  expect(message).toContain('line 2, column 14')
})

test('refuses an empty file', async ({ file }) => {
  expect((await errorOf(() => readConfigFile(write(file, '')))).message).toContain(
    'line 1, column 1',
  )
})

test.for(['[]', '"hostname"', 'null', '7'])(
  'refuses %s, which is not an object',
  async (content, { file }) => {
    expect((await errorOf(() => readConfigFile(write(file, content)))).message).toBe(
      `${file}: the file must hold one object, as {"hostname": "laptop"}`,
    )
  },
)

test.for(['['.repeat(200_000), `{"hostname": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`])(
  'refuses a file that is nested too deeply to be read',
  async (content, { file }) => {
    expect((await errorOf(() => readConfigFile(write(file, content)))).message).toContain(
      'nested too deeply',
    )
  },
)

test('names the nearest key for one it does not know', async ({ file }) => {
  expect(
    (await errorOf(() => readConfigFile(write(file, '{"auth_key": "tskey-secret"}')))).message,
  ).toBe(`${file}: unknown key "auth_key"; did you mean "authkey"?`)
})

test('lists the keys when none is near', async ({ file }) => {
  expect((await errorOf(() => readConfigFile(write(file, '{"completely": 1}')))).message).toContain(
    'allowed are hostname, authkey,',
  )
})

test('keeps an unknown key on one line', async ({ file }) => {
  expect((await errorOf(() => readConfigFile(write(file, '{"a\\nb": 1}')))).message).not.toContain(
    '\n',
  )
})

test('passes over the key that names a schema', async ({ file }) => {
  expect((await readConfigFile(write(file, '{"$schema": "./config.schema.json"}'))).size).toBe(0)
})

test('says that there is no such file', async ({ file }) => {
  expect((await errorOf(() => readConfigFile(file))).message).toBe(
    `cannot read the configuration file ${file}: there is no such file`,
  )
})

test('says that the file is a directory', async ({ file }) => {
  expect((await errorOf(() => readConfigFile(path.dirname(file)))).message).toContain(
    'it is a directory',
  )
})

test('keeps the cause of a file that cannot be read', async ({ file }) => {
  expect((await errorOf(() => readConfigFile(file))).cause).toMatchObject({ code: 'ENOENT' })
})

test('says that permission is denied', async ({ file }) => {
  chmodSync(write(file, '{}'), 0)
  expect((await asNobody(() => errorOf(() => readConfigFile(file)))).message).toContain(
    'permission denied',
  )
})

test('throws nothing but ConfigError, whatever the bytes', async ({ file }) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(`{${text}}`)),
  )
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      try {
        await readConfigFile(write(file, content))
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError)
        expect((error as ConfigError).message.split('\n')).toHaveLength(1)
      }
    }),
  )
})
