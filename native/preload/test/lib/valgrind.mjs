// A program under valgrind: memory that is not its own or holds nothing, memory lost, and descriptors that the library leaves.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/**
 * valgrind's own start, which is not to have the library: its memcheck is a static program, of which the library would warn,
 * or which it would not let start.
 */
const { stderr } = spawnSync('valgrind', ['-d', 'true'], { encoding: 'utf8' })
const memcheck = /launching (\S+)/.exec(stderr ?? '')?.[1]

export const missingValgrind = memcheck ? undefined : 'valgrind'

const OPTIONS = [
  '-q',
  // Its pipes would be left behind by a program that changes its user or its root directory.
  '--vgdb=no',
  '--leak-check=full',
  '--show-leak-kinds=definite',
  '--errors-for-leak-kinds=definite',
  '--track-fds=yes',
  // What the C library frees for it at the end takes locks, which in a forked child may be another thread's.
  '--run-libc-freeres=no',
]

/** The library numbers its own descriptors from 24 below 1024. */
const FIRST_OWN = 1000

export function watchByValgrind(context, { command, args, env }) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tailproxy-valgrind-'))
  context.defer(() => rmSync(directory, { recursive: true }))
  return {
    command: memcheck,
    args: [...OPTIONS, `--log-file=${directory}/%p`, command, ...args],
    env: { ...env, VALGRIND_LAUNCHER: 'valgrind' },
    back: (text) => text,
    complaints: ({ pid }) => {
      const all = readdirSync(directory).flatMap((name) => {
        const found = reports(readFileSync(path.join(directory, name), 'utf8')).filter(isComplaint)
        // A child has what another thread of its parent had open when it was forked.
        return name === String(pid) ? found : found.filter((report) => !OPEN.test(report))
      })
      return all.join('\n') || undefined
    },
  }
}

/** Of itself: calls that it does not know, or that can have no effect. */
const REMARK = /^--\d+-- .*\n|^==\d+== Warning: .*\n/gm

/** The log's paragraphs, without the process's number. */
function reports(log) {
  return log
    .replaceAll(REMARK, '')
    .replaceAll(/^==\d+== ?/gm, '')
    .split(/\n\n+/)
    .filter((report) => report.trim())
}

/** Its first frame: the library makes the system calls for itself by its own code, the program's by the C library's. */
const BY_THE_LIBRARY = /^.*\n.*libtailproxy\.so/

/** How an address is found readable without touching it (src/memory.c). */
const PROBED = String.raw`rt_sigprocmask\(set\) .*`

/**
 * A pointer or a length of the program's own, which a call of the C library's passes on: what the kernel says of it is what such
 * programs show. Those of the library go to the kernel straight from its own code.
 */
const BAD = String.raw`(?:.* points to unaddressable|\w+\(msg\.msg_\w+\) points to uninitialised) byte\(s\)`
const PASSED_ON = String.raw`${BAD}\n(?!.*libtailproxy\.so).*`
const OF_THE_PROGRAM = new RegExp(`^Syscall param (?:${PROBED}|${PASSED_ON})\\n`)

const OPEN = /^Open .*?(\d+):/

function isComplaint(report) {
  const descriptor = OPEN.exec(report)
  if (descriptor) return Number(descriptor[1]) < FIRST_OWN && BY_THE_LIBRARY.test(report)
  if (/^FILE DESCRIPTORS: /.test(report)) return false
  return !OF_THE_PROGRAM.test(report)
}
