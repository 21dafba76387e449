import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  PRELOAD_VARIABLES,
  type PreloadSettings,
  preloadEnvironment,
  withoutPreload,
} from './preload-environment.ts'

const settings: PreloadSettings = {
  library: '/tmp/tailproxy-1000/libtailproxy-0123456789abcdef.so',
  host: '127.0.0.1',
  port: 1080,
  user: 'run-1',
  password: 'secret',
}

test('tells the library where and as whom', () => {
  expect(preloadEnvironment(settings, {})).toEqual({
    LD_PRELOAD: settings.library,
    TAILPROXY_HOST: '127.0.0.1',
    TAILPROXY_PORT: '1080',
    TAILPROXY_PRELOAD_USER: 'run-1',
    TAILPROXY_PRELOAD_PASSWORD: 'secret',
  })
})

test('tells the library of the dial socket, with the token that opens it', () => {
  const dials = { socket: '/run/user/1000/dial.sock', token: '0123456789abcdef0123456789abcdef' }
  expect(preloadEnvironment({ ...settings, ...dials }, {})).toMatchObject({
    TAILPROXY_SOCK: dials.socket,
    TAILPROXY_TOKEN: dials.token,
  })
  const { socket } = dials
  expect(preloadEnvironment({ ...settings, socket }, {})).toEqual(preloadEnvironment(settings, {}))
})

test('names no descriptor of an outer session', () => {
  const outer = { TAILPROXY_SOCK: '/tmp/outer.sock', TAILPROXY_TOKEN: 'x', TAILPROXY_FD: '1021' }
  expect(preloadEnvironment(settings, outer)).toEqual(preloadEnvironment(settings, {}))
  expect(withoutPreload(outer)).toEqual({})
})

test('tells the library of a policy only when there is one', () => {
  const bypass = ['192.0.2.0/24', '2001:db8::/32']
  expect(
    preloadEnvironment({ ...settings, bypass, onlyTailnet: true, verbose: true }, {}),
  ).toMatchObject({
    TAILPROXY_BYPASS: '192.0.2.0/24,2001:db8::/32',
    TAILPROXY_ONLY_TAILNET: '1',
    TAILPROXY_VERBOSE: '1',
  })
  const none = preloadEnvironment({ ...settings, bypass: [], onlyTailnet: false }, {})
  expect(Object.keys(none)).toHaveLength(5)
})

test('forgets what an outer run told the library', () => {
  const outer = Object.fromEntries(PRELOAD_VARIABLES.map((name) => [name, 'outer']))
  expect(Object.values(preloadEnvironment(settings, outer))).not.toContain('outer')
})

test('keeps the rest of the environment, and does not change what it was given', () => {
  const base = { HOME: '/root', LD_PRELOAD: '/opt/libother.so' }
  expect(preloadEnvironment(settings, base)).toMatchObject({ HOME: '/root' })
  expect(base).toEqual({ HOME: '/root', LD_PRELOAD: '/opt/libother.so' })
})

test.for([
  ['/opt/libother.so', ':/opt/libother.so'],
  ['liba.so libb.so:libc.so', ':liba.so:libb.so:libc.so'],
  ['/tmp/tailproxy-0/libtailproxy-00ff.so:/opt/libother.so', ':/opt/libother.so'],
  ['/usr/lib/libtailproxy.so', ''],
  ['  ::', ''],
])('puts itself before the libraries of others: "%s"', ([before, behind]) => {
  expect(preloadEnvironment(settings, { LD_PRELOAD: before })['LD_PRELOAD']).toBe(
    settings.library + behind,
  )
})

test('is undone by withoutPreload, whatever else was preloaded', () => {
  const library = fc.stringMatching(/^\/[a-z]{1,8}\.so$/)
  const base = fc.record({
    HOME: fc.string(),
    LD_PRELOAD: fc.array(library, { minLength: 1 }).map((all) => all.join(':')),
  })
  fc.assert(
    fc.property(base, (env) => {
      expect(withoutPreload(preloadEnvironment(settings, env))).toEqual(env)
    }),
  )
})

test('leaves no empty LD_PRELOAD behind', () => {
  expect(withoutPreload(preloadEnvironment(settings, {}))).toEqual({})
})
