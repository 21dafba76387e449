import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { test } from '../support/delayed-tailnet.ts'
import { has, lacks, named } from '../support/needs.ts'

// The benchmark's programs (test/bench/event-loop/README.md), for what they see and not for how long it takes.

const source = (name: string) =>
  fileURLToPath(new URL(`../../bench/event-loop/${name}`, import.meta.url))
const COUNT = 100
const ECHO = '7'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-loop-'))
  if (has('cc')) execFileSync('cc', ['-o', path.join(scratch, 'loop'), source('loop.c')])
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Round {
  connected: number
  pendingAtOnce: number
  ticksBeforeFirst: number
}

const programs = [
  { name: "Python's asyncio", needs: 'python3', command: () => ['python3', source('loop.py')] },
  { name: 'Node', needs: 'node', command: () => ['node', source('loop.mjs')] },
  { name: 'a C program with epoll', needs: 'cc', command: () => [path.join(scratch, 'loop')] },
]

describe.for(programs)('the event loop of $name', ({ needs, command }) => {
  test.skipIf(lacks(needs))(
    named('turns while a hundred connects are under way at once', needs),
    async ({ distant: { tailproxy, hello } }) => {
      const { status, stdout, stderr } = await tailproxy.run([
        ...command(),
        hello,
        ECHO,
        `${COUNT}`,
      ])
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const { rounds }: { rounds: Round[] } = JSON.parse(stdout)
      expect(rounds).toHaveLength(2)
      for (const { connected, pendingAtOnce, ticksBeforeFirst } of rounds) {
        expect({ connected, pendingAtOnce }).toEqual({ connected: COUNT, pendingAtOnce: COUNT })
        expect(ticksBeforeFirst).toBeGreaterThan(0)
      }
    },
  )
})
