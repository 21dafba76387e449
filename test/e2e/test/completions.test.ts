import { writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { type Profile, test } from '../support/profile.ts'
import { start, TAILPROXY } from '../support/tailproxy.ts'

const capture = fileURLToPath(new URL('../fixtures/capture-completion.zsh', import.meta.url))

/** What a shell makes of a line whose last word is being written. */
type Complete = (script: string, line: string, env: NodeJS.ProcessEnv) => Promise<string>

const inBash: Complete = async (script, line, env) => {
  const words = `source "$1"; COMP_WORDS=(${line.replaceAll('=', ' = ').replace(/ $/, " ''")})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _tailproxy; printf '%s\\n' "\${COMPREPLY[@]}"`
  return said('bash', ['--norc', '-c', words, 'bash', script], env)
}
const inZsh: Complete = async (script, line, env) =>
  stripVTControlCharacters(await said('zsh', ['-f', capture, script, line], env))
const inFish: Complete = (script, line, env) => {
  const words = 'source $argv[1]; complete -C $argv[2]'
  return said('fish', ['--no-config', '-c', words, script, line], env)
}

async function said(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout, stderr } = await start(program, args, { env }).finished
  expect(stderr).toBe('')
  return stdout
}

/** The script as the command prints it, and an environment in which shells find the command. */
async function prepare(profile: Profile, shell: string) {
  const { stdout } = await profile.run(['completions', shell])
  const script = path.join(profile.directory, `completions.${shell}`)
  writeFileSync(script, stdout)
  const programs = `${path.dirname(TAILPROXY)}:${process.env['PATH']}`
  return { script, env: { ...profile.env, PATH: programs } }
}

const shells = [
  ['bash', inBash],
  ['zsh', inZsh],
  ['fish', inFish],
] as const

describe.for(shells)('%s', ([shell, complete]) => {
  test.skipIf(lacks(shell))(
    named('completes commands, flags, values and the words of programs', shell),
    async ({ profile }) => {
      const { script, env } = await prepare(profile, shell)
      const of = (line: string) => complete(script, line, env)
      expect(await of('tailproxy st')).toMatch(/\bstatus\b/)
      expect(await of('tailproxy exit-node ')).toMatch(/\bauto\b[\s\S]*\bsuggest\b/)
      expect(await of('tailproxy status --w')).toMatch(/--watch\b/)
      expect(await of('tailproxy status --pu')).not.toMatch(/--purge/)
      expect(await of('tailproxy --udp=b')).toMatch(/\bblock\b/)
      expect(await of('tailproxy --udp d')).toMatch(/\bdirect\b/)
      expect(await of('tailproxy --hostname x profile ')).toMatch(/\buse\b/)
      expect(await of(`tailproxy cat ${profile.directory}/compl`)).toContain(`completions.${shell}`)
      expect(await of('tailproxy lab run -- tailprox')).toMatch(/tailproxy\b/)
    },
  )

  test.skipIf(lacks(shell))(
    named('asks a session that runs for names, and starts none', shell),
    async ({ profile }) => {
      const { script, env } = await prepare(profile, shell)
      const line = 'tailproxy exit-node set hello,ex'
      expect(await complete(script, line, env)).not.toMatch(/\bhello,exit\b/)
      expect(profile.pid()).toBeUndefined()
      await profile.run(['up'])
      expect(await complete(script, line, env)).toMatch(/\bexit\b/)
      expect(await complete(script, 'tailproxy --exit-node=ex', env)).toMatch(/\bexit\b/)
    },
  )
})
