import { readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { expect } from 'vitest'
import { test } from '../testing/session.ts'
import { startSession } from './start-session.ts'

/** A session that reports what it is told to, and logs its order. */
function program(report: string): string[] {
  const script = `
    let order = ''
    process.stdin.on('data', (text) => { order += text }).on('end', () => {
      console.log(order)
      require('node:fs').writeSync(Number(process.env.TAILPROXY_BACKGROUND), process.argv[1])
    })`
  return [process.execPath, '-e', script, report]
}

const start = (stateDirectory: string, report: string) =>
  startSession({
    ...{ program: program(report), env: process.env, stateDirectory, cwd: '/somewhere' },
    settings: { hostname: { value: 'laptop', origin: { kind: 'flag', name: 'hostname' } } },
  })

test('gives a session its order over standard input, and has its words in a log', async ({
  directory,
}) => {
  await start(directory, '{"ready":true}')
  const log = path.join(directory, 'session.log')
  expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({ cwd: '/somewhere', log })
  expect(statSync(log).mode & 0o777).toBe(0o600)
})

test('says why it did not start', async ({ directory }) => {
  const error = { code: 'ERR_SESSION_START', reason: 'denied', message: 'the key has expired' }
  await expect(start(directory, JSON.stringify({ error }))).rejects.toMatchObject({
    code: 'ERR_SESSION_LAUNCH',
    reason: 'denied',
    message: 'the key has expired',
  })
})

test('quotes the log of one that ended without a word', async ({ directory }) => {
  const log = path.join(directory, 'session.log')
  writeFileSync(log, 'before\n')
  const words = [process.execPath, '-e', 'console.error("oh no"); process.exit(1)']
  const options = { env: process.env, stateDirectory: directory, cwd: '/', settings: {} }
  await expect(startSession({ program: words, ...options })).rejects.toThrow(
    /ended at once.*oh no/s,
  )
})

test('puts a log aside that has become long', async ({ directory }) => {
  const log = path.join(directory, 'session.log')
  writeFileSync(log, 'x'.repeat(2 << 20))
  await start(directory, '{"ready":true}')
  expect(statSync(`${log}.1`).size).toBe(2 << 20)
  expect(statSync(log).size).toBeLessThan(1000)
})
