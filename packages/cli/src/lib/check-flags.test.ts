import { expect, test } from 'vitest'
import { readCommandLine } from './arguments.ts'
import { checkFlags } from './check-flags.ts'
import { CommandLineError } from './exit-status.ts'

function complaintOf(line: string): string | undefined {
  try {
    checkFlags(readCommandLine(line.split(' ').filter(Boolean)))
    return undefined
  } catch (error) {
    if (error instanceof CommandLineError) return error.message
    throw error
  }
}

test.for([
  ['--purge status', '--purge is nothing to tailproxy status; it is for down'],
  ['--watch curl', '--watch is nothing to tailproxy run; it is for status'],
  ['-c 1 curl', '--count is nothing to tailproxy run; it is for peers'],
  ['lab run --report -- curl', '--report is nothing to tailproxy lab run; it is for doctor'],
  ['--watch', '--watch is nothing to tailproxy without a command; it is for status'],
] as const)('"tailproxy %s" has a flag of another command', ([line, complaint]) => {
  expect(complaintOf(line)).toBe(complaint)
})

test('names those that a setting makes a difference to', () => {
  expect(complaintOf('status --export-max=3')).toBe(
    '--export-max is nothing to tailproxy status; it is for run, up, export, config, lab',
  )
  expect(complaintOf('exit-node ls --exit-node=berlin')).toMatch(/^--exit-node is nothing to/)
})

test.for([
  '--hostname=x curl',
  '--json',
  '--export-max=3 curl',
  'status --watch --json --profile=work',
  'down --purge --control-url=http://localhost/',
  'peers ping -c 3 hello',
  'exit-node set berlin --exit-node-allow-lan-access',
  'login --advertise-tags=tag:ci --timeout=5m',
  'config --only-tailnet',
  '--config=x lab',
])('takes what belongs to it: %s', (line) => {
  expect(complaintOf(line)).toBeUndefined()
})
