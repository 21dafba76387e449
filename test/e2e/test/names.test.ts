import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/tailnet.ts'

const names = fileURLToPath(new URL('../fixtures/names.py', import.meta.url))

test.skipIf(lacks('python3'))(
  named('a name has the addresses of both families, and an address its name', 'python3'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const { ipv4, ipv6, name } = hello
    const { stdout } = await tailproxy.run(['python3', names, 'hello', name, ipv4, ipv6])
    const both = [ipv4, ipv6].sort().join(' ')
    expect(stdout).toBe(`hello: ${both}\n${name}: ${both}\n${ipv4}: ${name}\n${ipv6}: ${name}\n`)
  },
)

test.skipIf(lacks('python3'))(
  named('an unknown name is EAI_NONAME', 'python3'),
  async ({ tailnet: { tailproxy, lab } }) => {
    const unknown = `nosuchpeer.${lab.info.domain}`
    const { stdout } = await tailproxy.run(['python3', names, 'nosuchpeer', unknown])
    expect(stdout).toBe(`nosuchpeer: EAI_NONAME\n${unknown}: EAI_NONAME\n`)
  },
)

test.skipIf(lacks('dig')).for([
  ['UDP', '+notcp'],
  ['TCP', '+tcp'],
] as const)(
  named('a program with a resolver of its own gets the tailnet names over %s', 'dig'),
  async ([, how], { tailnet: { tailproxy, hello } }) => {
    const ask = (...query: string[]) => tailproxy.run(['dig', '+short', how, ...query])
    expect(await ask(hello.name, 'A')).toMatchObject({ stdout: `${hello.ipv4}\n` })
    expect(await ask(hello.name, 'AAAA')).toMatchObject({ stdout: `${hello.ipv6}\n` })
    expect(await ask('-x', hello.ipv4)).toMatchObject({ stdout: `${hello.name}.\n` })
  },
)
