import process from 'node:process'
import { checkSettings, type RawSettings } from '@tailproxy/config'
import { joinedSession } from './joined-session.ts'
import { library } from './library.ts'
import { type ChildExit, runChild } from './run-child.ts'
import { commandEnvironment, type Wrapped } from './wrap.ts'

/** Runs a command with the access of the wrapped one that this process is part of, if it is. */
export async function runJoined(
  { file, words }: Wrapped,
  raw: RawSettings,
  extra: NodeJS.ProcessEnv,
): Promise<ChildExit | undefined> {
  const resolved = checkSettings(raw)
  const joined = joinedSession(resolved, process.env)
  if (!joined) return undefined
  const env = commandEnvironment({ ...joined, library: library() }, resolved.values, extra)
  return runChild({ file, words, env })
}
