import { Ajv } from 'ajv'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configSchema } from './config-schema.ts'
import { schemas } from './setting-schemas.ts'
import { type SettingName, settingNames, settings } from './settings.ts'

// Formats are for editors that know them; the patterns beside them are what counts.
const isValid = new Ajv({ strict: false, validateFormats: false }).compile(configSchema())

/** What no pattern can say: the schema lets it pass, and whoever reads the file does not. */
const CHECKED_BY_READER: Partial<Record<SettingName, (value: unknown) => boolean>> = {
  controlUrl: (value) => typeof value === 'string' && !URL.canParse(value),
  bypass: () => true,
  exportIdle: isLong,
  idle: isLong,
  timeout: isLong,
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' && Number.parseFloat(value) > 500
}

test.for([
  {},
  { $schema: './node_modules/@tailproxy/cli/schema/config.schema.json', hostname: 'laptop' },
  { bypass: ['192.0.2.0/24', '2001:db8::1'], only_tailnet: true, udp: 'block' },
  { exit_node: '', export_idle: '10m', idle: 90.5 },
  { exit_node: ['berlin', 'auto'], control_url: 'https://control.example/', proxy_port: 1080 },
  { filters: ['./a.mjs', { filter: 'b', options: { from: '09:00' } }] },
])('takes %j', (example) => {
  expect(isValid(example)).toBe(true)
})

test.for([
  [],
  { hostnme: 'laptop' },
  { hostname: '-x' },
  { proxy_port: '1080' },
  { verbose: 'true' },
  { udp: 'allow' },
  { exit_node: 'a;b' },
  { idle: '10 minutes' },
  { control_url: 'ftp://x/' },
  { filters: [{ options: 1 }] },
])('takes no %j', (example) => {
  expect(isValid(example)).toBe(false)
})

test('describes each key', () => {
  const { properties } = configSchema() as { properties: Record<string, { description: string }> }
  const keys = settingNames.map((name) => settings[name].key)
  expect(Object.keys(properties)).toEqual(['$schema', ...keys])
  for (const { description } of Object.values(properties)) expect(description).not.toBe('')
})

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.stringMatching(/^[a-z0-9.:/\-, ]{0,12}$/),
  fc.constantFrom('', 'proxy', 'tag:a', 'svc:a', '1.5h', '90', 'file:', 'file:a b', '-', 'none'),
  fc.constantFrom('http://a', 'https://[::1]:1/', '127.0.0.1:80', '[::1]:65536', 'a,auto', '/a\nb'),
)
const one = fc.oneof(text, fc.boolean(), fc.integer(), fc.double(), fc.constant(null))
const value = fc.oneof(one, fc.array(one, { maxLength: 3 }), fc.dictionary(fc.string(), one))

test.for(settingNames)('agrees with whoever reads the file on %s', (name) => {
  fc.assert(
    fc.property(value, (found) => {
      // As a file would hold it: no Infinity, no minus zero.
      const read = JSON.parse(JSON.stringify(found)) as unknown
      const read2 = schemas[name].safeParse(read).success
      const edited = isValid({ [settings[name].key]: read })
      if (read2 || !CHECKED_BY_READER[name]?.(read)) expect(edited).toBe(read2)
    }),
    { numRuns: 300 },
  )
})
