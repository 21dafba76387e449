import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCommandLine } from './arguments.ts'
import { CommandLineError } from './exit-status.ts'

function read(line: string) {
  return readCommandLine(line.split(' ').filter(Boolean))
}

function messageOf(words: readonly string[]): string {
  try {
    readCommandLine(words)
  } catch (error) {
    if (error instanceof CommandLineError) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

test.for([
  ['', 'serve', ''],
  ['--verbose', 'serve', ''],
  ['curl http://peer/', 'run', 'curl http://peer/'],
  ['run curl http://peer/', 'run', 'curl http://peer/'],
  ['run', 'run', ''],
  ['run run', 'run', 'run'],
  ['run lab', 'run', 'lab'],
  ['lab', 'lab', ''],
  ['lab nonsense', 'lab', 'nonsense'],
  ['lab run curl', 'lab run', 'curl'],
  ['lab run -- curl -v', 'lab run', 'curl -v'],
  ['lab run', 'lab run', ''],
  ['lab -- run', 'lab', 'run'],
  ['-- lab', 'run', 'lab'],
  ['-- -x', 'run', '-x'],
  ['-- --', 'run', '--'],
  ['--', 'serve', ''],
  ['- x', 'run', '- x'],
] as const)('"tailproxy %s" is %s of "%s"', ([line, command, operands]) => {
  expect(read(line)).toMatchObject({ command, operands: operands.split(' ').filter(Boolean) })
})

test.for([
  '--hostname laptop curl',
  '--hostname=laptop curl',
  '-hostname laptop curl',
  '-hostname=laptop curl',
  'run --hostname laptop curl',
  'run -hostname=laptop -- curl',
])('reads a flag with one dash or two, before or behind the command: %s', (line) => {
  expect(read(line)).toMatchObject({
    command: 'run',
    flags: { hostname: 'laptop' },
    operands: ['curl'],
  })
})

test('reads nothing behind the first word of the command', () => {
  expect(read('curl --verbose -hostname=x -- --help')).toMatchObject({
    flags: {},
    help: false,
    operands: ['curl', '--verbose', '-hostname=x', '--', '--help'],
  })
})

test('reads flags at each of the places that lab run has', () => {
  expect(read('-verbose lab --hostname=a run --port 1 -- curl').flags).toEqual({
    verbose: 'true',
    hostname: 'a',
    port: '1',
  })
})

test('takes the last of a flag that is given twice', () => {
  expect(read('--port 1 --port=2 run --port 3 x').flags).toEqual({ port: '3' })
})

test('takes no word for the value of a switch', () => {
  expect(read('--verbose false')).toMatchObject({ flags: { verbose: 'true' }, operands: ['false'] })
  expect(read('--verbose=false').flags).toEqual({ verbose: 'false' })
})

test('keeps everything behind the first "=" as the value', () => {
  expect(readCommandLine(['--control-url=http://x/?a=b\nc', 'x']).flags).toEqual({
    controlUrl: 'http://x/?a=b\nc',
  })
})

test('takes an empty value as one', () => {
  expect(read('--state-dir= x').flags).toEqual({ stateDir: '' })
})

test.for([
  ['-h', { help: true }],
  ['--help', { help: true }],
  ['-help', { help: true }],
  ['run --help', { help: true }],
  ['--help=false', { help: false }],
  ['-V', { version: true }],
  ['-version', { version: true }],
  ['lab --json', { json: true }],
  ['--config x.json curl', { own: { config: 'x.json' } }],
] as const)('reads %s', ([line, expected]) => {
  expect(read(line)).toMatchObject(expected)
})

test.for([
  [['--hostnme=laptop'], 'unknown flag --hostnme; did you mean --hostname?'],
  [['-exit-nodes=x'], 'unknown flag -exit-nodes; did you mean --exit-node?'],
  [['---help'], 'unknown flag ---help; did you mean --help?'],
  [['-x'], 'unknown flag -x; tailproxy --help lists the flags'],
  [['--auth-key=tskey-secret'], 'unknown flag --auth-key; did you mean --authkey?'],
  [['run', '--frobnicate'], 'unknown flag --frobnicate; tailproxy --help lists the flags'],
  [['--hostname'], '--hostname needs a value: --hostname=VALUE'],
  [['run', '--port'], '--port needs a value: --port=VALUE'],
  [['--config='], '--config needs a file'],
  [['--config', ''], '--config needs a file'],
  [['--json=maybe'], '--json is "maybe"; allowed is true or false'],
])('refuses %j', ([words, message]) => {
  expect(messageOf(words as string[])).toBe(message)
})

test('throws nothing but CommandLineError, and loses no operand', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('run', 'lab', '--', '-', '--verbose', '--hostname', '-port=1', '--json=x'),
  )
  fc.assert(
    fc.property(fc.array(word), (words) => {
      try {
        const { operands } = readCommandLine(words)
        expect(words.slice(words.length - operands.length)).toEqual(operands)
      } catch (error) {
        expect(error).toBeInstanceOf(CommandLineError)
      }
    }),
  )
})

test('reads flags among the operands of export', () => {
  const words = ['export', '8080', '--json', '9090', '--hostname=web', '--', '--odd']
  expect(readCommandLine(words)).toMatchObject({
    command: 'export',
    operands: ['8080', '9090', '--odd'],
    json: true,
    flags: { hostname: 'web' },
  })
})

test('adds up a list that is given again, before and behind the command', () => {
  const words = ['--export-user=a@x', '--export-user', 'b@x', 'export', '--export-user=c@x', '80']
  expect(readCommandLine(words).flags).toEqual({ exportUsers: 'a@x,b@x,c@x' })
})

test('takes the last of a value that is given again', () => {
  expect(readCommandLine(['--port=1', '--port=2', 'true']).flags).toEqual({ port: '2' })
})
