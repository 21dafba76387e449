// A program that goes on while sidecars come and go, and does what it is told.
import { deepEqual } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { start } from './program.mjs'
import { programPath } from './toolchain.mjs'

export const CONNECTED = 'connect: ok\npeer: the destination\n'
export const AWAY = 'connect: ENETDOWN\npeer: ENOTCONN\n'

/** `does(line)` resolves to what the program says of it. */
export function survivor(context, kind, args, env) {
  const program = start(context, programPath('survivor', kind), args.map(String), env)
  let number = 0
  let seen = 0
  async function does(line) {
    number += 1
    program.tell(line)
    await program.says(`[${number}]\n`)
    const end = program.output().indexOf(`[${number}]\n`)
    const said = program.output().slice(seen, end)
    seen = end + `[${number}]\n`.length
    return said
  }
  async function ends() {
    program.child.stdin.end()
    const { status, signal, stderr } = await program.ended
    deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' })
  }
  /** Until it waits in ppoll(), by its number on x86_64 or aarch64, for which it is not told: the library does. */
  async function waits() {
    const { pid } = program.child
    while (!/^(271|73) /.test(await readFile(`/proc/${pid}/syscall`, 'utf8'))) await setImmediate()
  }
  return { does, ends, waits }
}
