import process from 'node:process'
import {
  describeOrigin,
  givenProfile,
  listProfiles,
  profileFile,
  type SettingSources,
  useProfile,
} from '@tailproxy/config'
import { columns } from '../lib/columns.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { say } from '../lib/terminal.ts'

const OK: ChildExit = { status: 0, signal: null }
/** `profile use none` goes back to no profile. */
const NONE = 'none'

/** `tailproxy profile`, `profile ls`, `profile use NAME`. */
export async function profile(
  operands: readonly string[],
  sources: SettingSources,
  { json }: { json: boolean },
): Promise<ChildExit> {
  const [what = 'ls', ...rest] = operands
  if (what === 'use') return use(rest, sources)
  if (what !== 'ls' && what !== 'list') {
    throw new CommandLineError(
      `profile has no "${what}"; use tailproxy profile, or profile use NAME`,
    )
  }
  if (rest.length > 0) throw new CommandLineError(`profile ${what} takes no "${rest[0]}"`)
  return list(sources, json)
}

async function list(sources: SettingSources, json: boolean): Promise<ChildExit> {
  const env = sources.env ?? process.env
  const given = await givenProfile(sources)
  const current = given?.value === '' ? undefined : given?.value
  const profiles = listProfiles(env).map((name) => ({
    name,
    path: profileFile(name, env),
    current: name === current,
  }))
  if (current !== undefined && !profiles.some((each) => each.current)) {
    say(`there is no profile ${JSON.stringify(current)}, which is to be used; choose another`)
  }
  if (json) {
    process.stdout.write(`${JSON.stringify({ current: current ?? null, profiles })}\n`)
  } else if (profiles.length === 0) {
    process.stdout.write(`No profiles yet; write ${profileFile('NAME', env)} to make one.\n`)
  } else {
    process.stdout.write(
      columns(profiles.map((each) => [each.current ? '*' : ' ', each.name, each.path])),
    )
  }
  return OK
}

async function use(operands: readonly string[], sources: SettingSources): Promise<ChildExit> {
  const [name, ...rest] = operands
  if (name === undefined || rest.length > 0) {
    throw new CommandLineError('profile use needs one name: tailproxy profile use NAME (or none)')
  }
  useProfile(name === NONE ? undefined : name, sources)
  const given = await givenProfile(sources)
  if (given && given.origin.kind !== 'file') {
    say(`${describeOrigin(given.origin)} is "${given.value}", and goes before it here`)
  }
  return OK
}
