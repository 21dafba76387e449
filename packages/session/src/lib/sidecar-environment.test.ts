import { expect, test } from 'vitest'
import { sidecarEnvironment } from './sidecar-environment.ts'

test('keeps what is none of our business', () => {
  const env = { HOME: '/root', PATH: '/bin', XDG_CACHE_HOME: '/cache', NO_PROXY: 'localhost' }
  expect(sidecarEnvironment(env)).toEqual(env)
})

test('leaves out what would capture it', () => {
  const env = {
    LD_PRELOAD: '/tmp/libtailproxy.so',
    TAILPROXY_HOST: '127.0.0.1',
    TAILPROXY_LOG: '1',
  }
  expect(sidecarEnvironment(env)).toEqual({})
})

test.for([
  'TS_AUTHKEY',
  'TS_AUTH_KEY',
  'TS_CONTROL_URL',
  'TS_CLIENT_ID',
  'TS_CLIENT_SECRET',
  'TS_ID_TOKEN',
  'TS_AUDIENCE',
])('leaves out %s, which tsnet would take by itself', (name) => {
  expect(sidecarEnvironment({ [name]: 'value' })).toEqual({})
})

test.for([
  'http://127.0.0.1:1080',
  'socks5h://user:password@localhost:1080/',
  'socks5://[::1]:1080',
  '127.0.0.2:1080',
])('leaves out a proxy that is this very session: %s', (proxy) => {
  const env = { ALL_PROXY: proxy, all_proxy: proxy, http_proxy: proxy, HTTPS_PROXY: proxy }
  expect(sidecarEnvironment(env, { port: 1080 })).toEqual({})
})

test.for([
  'http://127.0.0.1:3128',
  'http://proxy.example:1080',
  'http://192.0.2.1:1080',
  'not a URL at all:::',
])('keeps the proxy of a network: %s', (proxy) => {
  expect(sidecarEnvironment({ HTTPS_PROXY: proxy }, { port: 1080 })).toEqual({ HTTPS_PROXY: proxy })
})

test('keeps a proxy on loopback while the port is not known', () => {
  const env = { HTTPS_PROXY: 'http://127.0.0.1:1080' }
  expect(sidecarEnvironment(env)).toEqual(env)
  expect(sidecarEnvironment(env, { port: 0 })).toEqual(env)
})

test('leaves out every proxy for a lab, to which none leads', () => {
  const env = { https_proxy: 'http://proxy.example:3128', NO_PROXY: 'localhost' }
  expect(sidecarEnvironment(env, { lab: true })).toEqual({ NO_PROXY: 'localhost' })
})
