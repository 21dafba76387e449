import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { settings } from '@tailproxy/config'
import { describe, expect, test } from 'vitest'
import { COMMANDS, readCommandLine } from './arguments.ts'
import { commandTable } from './command-table.ts'
import { commandHelp, helpOf, helpText } from './help.ts'
import { ownFlagNames } from './own-flags.ts'

const PAGE = fileURLToPath(new URL('../../../../docs/commands.md', import.meta.url))

const all = [
  ['tailproxy', helpText()],
  ...COMMANDS.map((name) => [name, commandHelp(name)]),
] as const

describe.for(all)('the help of %s', ([, text]) => {
  test('fits a terminal of 80 columns and 40 lines', () => {
    const lines = text.trimEnd().split('\n')
    expect(lines.filter((line) => [...line].length > 80)).toEqual([])
    expect(lines.length).toBeLessThanOrEqual(40)
  })

  test('keeps two columns behind a flag', () => {
    const flags = text.split('\n').filter((line) => /^ {2}-/.test(line))
    for (const line of flags) expect(line).toMatch(/^ {2}-.*\S {2,}\S/)
  })

  test('gives examples that can be read', () => {
    const examples = [...text.matchAll(/^ {2}tailproxy (.*)$/gm)].map(([, words = '']) => words)
    expect(examples.length).toBeGreaterThan(0)
    for (const words of examples) readCommandLine(words.split(' '))
  })
})

test('some help lists each flag', () => {
  const text = all.map(([, help]) => help).join('')
  const named = [...text.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name)
  const flags = Object.values(settings).map(({ flag }) => flag)
  expect([...new Set(named)].sort()).toEqual([...flags, ...ownFlagNames].sort())
})

test('the first help names every command', () => {
  for (const command of COMMANDS) {
    expect(helpText()).toMatch(new RegExp(`^  ${command} +\\S`, 'm'))
  }
})

test('a command lists no flag that it does not take', () => {
  for (const { listed = [], settings: taken } of Object.values(commandTable)) {
    expect(listed.filter((name) => !taken.includes(name))).toEqual([])
  }
})

test.for([
  ['serve', false, helpText()],
  ['run', false, helpText()],
  ['run', true, commandHelp('run')],
  ['lab run', false, commandHelp('lab')],
  ['status', false, commandHelp('status')],
] as const)('%s (explicit: %s) shows its own', ([command, isExplicit, text]) => {
  expect(helpOf(command, isExplicit)).toBe(text)
})

test('the page of all commands is as they are (vitest -u writes it)', async () => {
  const sections = COMMANDS.map(
    (name) => `## ${name}\n\n\`\`\`text\n${commandHelp(name)}\`\`\`\n`,
  ).join('\n')
  const written = readFileSync(PAGE, 'utf8')
    .replace(/(<!-- help -->\n)[\s\S]*?(<!-- end -->)/, `$1\n\`\`\`text\n${helpText()}\`\`\`\n\n$2`)
    .replace(/(<!-- commands -->\n)[\s\S]*?(<!-- end -->)/, `$1\n${sections}\n$2`)
  await expect(written).toMatchFileSnapshot(PAGE)
})
