import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkSettings, parseRawSettings } from './check-settings.ts'
import { collectSettings } from './collect-settings.ts'
import { ConfigError } from './errors.ts'
import type { RawSettings } from './raw-settings.ts'
import { settingNames, settings } from './settings.ts'

const FLAG = { kind: 'flag', name: 'hostname' } as const

test('takes what was collected in another process', async () => {
  const names = fc.constantFrom(...settingNames)
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('true', '9'.repeat(400), '1h'),
  )
  const variables = Object.values(settings).flatMap((setting) => setting.variables)
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(names, texts),
      fc.dictionary(fc.constantFrom(...variables), texts),
      async (flags, env) => {
        const raw = await collectSettings({ flags, env, discover: false })
        expect(parseRawSettings(JSON.parse(JSON.stringify(raw)))).toEqual(raw)
      },
    ),
  )
})

test('gives what is missing its default', () => {
  const { values, origins } = checkSettings(parseRawSettings({}))
  expect(values).toEqual(
    Object.fromEntries(settingNames.map((name) => [name, settings[name].default])),
  )
  expect(new Set(Object.values(origins).map(({ kind }) => kind))).toEqual(new Set(['default']))
})

test.for([
  ['no object', 7],
  ['a list', []],
  ['an unknown name', { hostnme: { value: 'x', origin: FLAG } }],
  ['no origin', { hostname: { value: 'x' } }],
  ['no value', { hostname: { origin: FLAG } }],
  ['an origin of another kind', { hostname: { value: 'x', origin: { kind: 'rumour' } } }],
  ['a default for an origin', { hostname: { value: 'x', origin: { kind: 'default' } } }],
  ['an origin with more to it', { hostname: { value: 'x', origin: { ...FLAG, more: 1 } } }],
  ['a member more', { hostname: { value: 'x', origin: FLAG, more: 1 } }],
  ['a covered value without origin', { hostname: { value: 'x', origin: FLAG, covered: [{}] } }],
] as const)('refuses %s for collected settings', ([_, value]) => {
  expect(() => parseRawSettings(value)).toThrow(ConfigError)
})

test('says what is wrong with collected settings, and nothing of their values', () => {
  const raw = { authKey: { value: 'tskey-secret', origin: { kind: 'flag' } } }
  expect(() => parseRawSettings(raw)).toThrow(
    /^these are no settings that were collected by this version: authKey\.origin\.name: /,
  )
  expect(() => parseRawSettings(raw)).not.toThrow(/tskey/)
})

test('checks a covered value too', () => {
  const origin = { kind: 'file', role: 'user', path: '/f', key: 'proxy_port' } as const
  const raw: RawSettings = {
    port: { value: 1, origin: FLAG, covered: [{ value: 'many', origin }] },
  }
  expect(() => checkSettings(raw)).toThrow('/f: "proxy_port" is "many"; allowed is a port')
})

test.for(['exportUsers', 'exportTags', 'filters'] as const)(
  'takes an empty text for a mistake where it would let everybody in: %s',
  async (name) => {
    const { flag, variables } = settings[name]
    const [variable = ''] = variables
    for (const empty of ['', ' ', ',,']) {
      const given = await collectSettings({ flags: { [name]: empty }, env: {}, discover: false })
      expect(() => checkSettings(given)).toThrow(
        `--${flag} is ${JSON.stringify(empty)}; allowed is`,
      )
    }
    const env = { [variable]: ' , ' }
    const given = await collectSettings({ env, discover: false })
    expect(() => checkSettings(given)).toThrow(`${variable} is " , "; allowed is`)
  },
)
