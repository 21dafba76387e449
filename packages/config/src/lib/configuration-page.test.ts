import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { parse } from 'jsonc-parser'
import { expect, test } from 'vitest'
import { checkSettings } from './check-settings.ts'
import { configSchema } from './config-schema.ts'
import type { Setting, SettingGroup } from './setting.ts'
import { settingInFile } from './setting-in-file.ts'
import { settingNames, settings } from './settings.ts'

const PAGE = fileURLToPath(new URL('../../../../docs/configuration.md', import.meta.url))
const { values: defaults } = checkSettings({})

/** The settings of a group as a table in Markdown. */
function tableOf(group: SettingGroup): string {
  const rows = settingNames.flatMap((name) => {
    const setting: Setting<unknown> = settings[name]
    if (setting.group !== group) return []
    const { key, flag, placeholder, variables, help, allowed, guarded } = setting
    const usage = placeholder ? `--${flag} ${placeholder}` : `--${flag}`
    const project = guarded ? (guarded.unless ? 'in part' : 'no') : 'yes'
    const cells = [
      `\`${key}\``,
      `\`${usage}\``,
      variables.map((variable) => `\`${variable}\``).join(', '),
      `\`${JSON.stringify(settingInFile(name, defaults))}\``,
      project,
      placeholder ? `${help}. Allowed: ${allowed}` : help,
    ]
    return [cells]
  })
  const head = ['key', 'flag', 'variable', 'default', 'project file', 'what it is']
  const lines = [head, head.map(() => '---'), ...rows]
  return `\n${lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}`
}

test('the page for users has every setting as it is (vitest -u writes it)', async () => {
  const page = readFileSync(PAGE, 'utf8')
  const written = page.replaceAll(
    /(<!-- settings: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, group: SettingGroup, end: string) => `${begin}${tableOf(group)}${end}`,
  )
  const groups = [...page.matchAll(/<!-- settings: (\w+) -->/g)].map(([, group]) => group)
  expect(groups).toEqual([...new Set(settingNames.map((name) => settings[name].group))])
  await expect(written).toMatchFileSnapshot(PAGE)
})

test('its examples are files that the schema takes', () => {
  const isValid = new Ajv({ strict: false, validateFormats: false }).compile(configSchema())
  const page = readFileSync(PAGE, 'utf8')
  const examples = [
    ...[...page.matchAll(/```jsonc\n([\s\S]*?)```/g)].map(([, example]) => example),
    ...[...page.matchAll(/echo '(.*?)' >/g)].map(([, example]) => example),
  ]
  expect(examples).toHaveLength(2)
  for (const example of examples) expect(isValid(parse(example ?? ''))).toBe(true)
})
