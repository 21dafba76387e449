import { settings } from '@tailproxy/config'
import { expect, test } from 'vitest'
import { COMMANDS, readCommandLine } from './arguments.ts'
import { configHelpText, exportHelpText, helpText } from './help.ts'

test.for([helpText, exportHelpText, configHelpText])(
  'fits a terminal of 80 columns and 40 lines',
  (text) => {
    const lines = text().trimEnd().split('\n')
    expect(lines.filter((line) => [...line].length > 80)).toEqual([])
    expect(lines.length).toBeLessThanOrEqual(40)
  },
)

test('names every flag that is read, and no other', () => {
  const all = helpText() + exportHelpText() + configHelpText()
  const named = [...all.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name)
  const flags = Object.values(settings).map(({ flag }) => flag)
  expect(named.sort()).toEqual([...flags, 'config', 'json', 'help', 'version'].sort())
})

test.for([helpText, exportHelpText, configHelpText])('keeps two columns behind a flag', (text) => {
  const flags = text()
    .split('\n')
    .filter((line) => /^ {2}-/.test(line))
  for (const line of flags) expect(line).toMatch(/^ {2}-.*\S {2,}\S/)
})

test('names every command', () => {
  for (const command of COMMANDS) expect(helpText()).toContain(command)
})

test.for([helpText, exportHelpText, configHelpText])('gives examples that can be read', (text) => {
  const examples = [...text().matchAll(/^ {2}tailproxy (.*)$/gm)].map(([, words = '']) => words)
  expect(examples.length).toBeGreaterThan(0)
  for (const words of examples) {
    expect(readCommandLine(words.split(' ')).operands.length).toBeGreaterThan(0)
  }
})
