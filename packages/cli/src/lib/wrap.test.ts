import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, vi } from 'vitest'
import { test } from '../testing/surroundings.ts'
import { commandEnvironment, wrap } from './wrap.ts'

/** A static ELF program, as far as its headers go. */
function staticProgram(directory: string): string {
  const file = path.join(directory, 'static')
  const head = Buffer.alloc(64)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  head.writeUInt16LE(process.arch === 'arm64' ? 183 : 62, 18)
  head.writeUInt16LE(56, 54)
  writeFileSync(file, head)
  chmodSync(file, 0o755)
  return file
}

test('finds the file, the program behind it and the library', ({ surroundings, directory }) => {
  const script = path.join(directory, 'script')
  writeFileSync(script, `#!${process.execPath}\n`, { mode: 0o755 })
  const wrapped = wrap(['script', 'arg'], false, { PATH: directory })
  expect(wrapped).toMatchObject({
    words: ['script', 'arg'],
    file: script,
    program: process.execPath,
    unwrapped: undefined,
  })
  expect(surroundings.said).toEqual({ stdout: '', stderr: '' })
})

test('refuses what cannot be captured, and says how to run it all the same', ({
  surroundings: _,
  directory,
}) => {
  expect(() => wrap([staticProgram(directory)], false, {})).toThrow(
    expect.objectContaining({
      code: 'ERR_TAILPROXY_COMMAND_LINE',
      message: expect.stringMatching(/statically linked.*--allow-unwrapped/),
    }),
  )
})

test('lets through what cannot be captured when that is allowed, and says so', ({
  surroundings,
  directory,
}) => {
  const file = staticProgram(directory)
  const wrapped = wrap([file], true, {})
  expect(wrapped).toMatchObject({ file, program: file })
  expect(wrapped.unwrapped).toContain('statically linked')
  expect(surroundings.said.stderr).toMatch(/^tailproxy: .*it runs without TailProxy\n$/)
})

test.for([
  ['is nowhere', 'no-such-command', 'ERR_COMMAND_NOT_FOUND'],
  ['may not be executed', '/etc/passwd', 'ERR_COMMAND_NOT_EXECUTABLE'],
] as const)('refuses a command that %s', ([, command, code], { surroundings: _ }) => {
  expect(() => wrap([command], false, { PATH: '/bin' })).toThrow(expect.objectContaining({ code }))
})

test('gives the command what the library needs, and no key', () => {
  vi.stubEnv('TAILPROXY_AUTHKEY', 'tskey-secret')
  vi.stubEnv('TS_AUTHKEY', 'tskey-secret')
  vi.stubEnv('SOME_OTHER', 'value')
  const proxy = { host: '127.0.0.1', port: 1, user: 'u', password: 'p' }
  const access = { library: '/tmp/l.so', ...proxy, socket: '/dial.sock', token: 't' }
  const settings = { bypass: ['192.0.2.0/24'], onlyTailnet: true, verbose: true }
  const env = commandEnvironment(access, settings, { TAILPROXY_SESSION: '/s.json' })
  expect(env).toMatchObject({
    LD_PRELOAD: expect.stringMatching(/^\/tmp\/l\.so/),
    TAILPROXY_HOST: '127.0.0.1',
    TAILPROXY_SOCK: '/dial.sock',
    TAILPROXY_TOKEN: 't',
    TAILPROXY_BYPASS: '192.0.2.0/24',
    TAILPROXY_ONLY_TAILNET: '1',
    TAILPROXY_VERBOSE: '1',
    TAILPROXY_SESSION: '/s.json',
    SOME_OTHER: 'value',
  })
  expect(Object.values(env)).not.toContain('tskey-secret')
})
