import { execFileSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'

const ASK_NPX = ['--yes', '--package', 'pnpm', '--call', 'command -v pnpm']

/** The pnpm that runs this script, else whichever npx finds: a command and the words before its own. */
export function pnpmCommand() {
  const own = process.env.npm_execpath ?? ''
  const isPnpm = path.basename(own).startsWith('pnpm')
  const file = isPnpm ? own : execFileSync('npx', ASK_NPX, { encoding: 'utf8' }).trim()
  return /\.[cm]?js$/.test(file) ? [process.execPath, file] : [file]
}
