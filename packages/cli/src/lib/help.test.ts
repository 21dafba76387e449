import { settings } from '@tailproxy/config'
import { expect, test } from 'vitest'
import { COMMANDS, readCommandLine } from './arguments.ts'
import { helpText } from './help.ts'

test('fits a terminal of 80 columns and 40 lines', () => {
  const lines = helpText().trimEnd().split('\n')
  expect(lines.filter((line) => [...line].length > 80)).toEqual([])
  expect(lines.length).toBeLessThanOrEqual(40)
})

test('names every flag that is read, and no other', () => {
  const named = [...helpText().matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name)
  const flags = Object.values(settings).map(({ flag }) => flag)
  expect(named.sort()).toEqual([...flags, 'config', 'json', 'help', 'version'].sort())
})

test('keeps two columns between a flag and what it does', () => {
  const flags = helpText()
    .split('\n')
    .filter((line) => /^ {2}-/.test(line))
  for (const line of flags) expect(line).toMatch(/^ {2}-.*\S {2,}\S/)
})

test('names every command', () => {
  for (const command of COMMANDS) expect(helpText()).toContain(command)
})

test('gives examples that can be read', () => {
  const examples = [...helpText().matchAll(/^ {2}tailproxy (.*)$/gm)].map(([, words = '']) => words)
  expect(examples.length).toBeGreaterThan(0)
  for (const words of examples) {
    expect(readCommandLine(words.split(' ')).operands.length).toBeGreaterThan(0)
  }
})
