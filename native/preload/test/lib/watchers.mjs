// Whatever watches the library at work. Each test that runs a program of ours with the library is run once more under each of
// them: the program has to show what it shows otherwise, and the watcher has to have nothing to say.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root } from './harness.mjs'
import { library, missing, programPath, sanitizedLibrary, threadLibrary } from './toolchain.mjs'
import { missingValgrind, watchByValgrind } from './valgrind.mjs'

/** Compiled into program and library: where the test names those two the watcher's are meant, and in what is printed the test's. */
function compiledIn(kind, ownLibrary, ownEnv) {
  const pairs = [
    [library, ownLibrary],
    [programPath('', 'glibc'), programPath('', kind)],
  ]
  const there = (text) => pairs.reduce((all, [from, to]) => all.replaceAll(from, to), text)
  const back = (text) => pairs.reduce((all, [from, to]) => all.replaceAll(to, from), text)
  return (_context, { command, args, env }) => ({
    command: there(command),
    args: args.map(there),
    env: {
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, there(value)])),
      ...ownEnv,
    },
    back,
    complaints: ({ stderr }) => /^.*(?:Sanitizer|runtime error):.*$/m.exec(stderr)?.[0],
  })
}

const threaded = (program) =>
  readFileSync(path.join(root, `test/programs/${program}.c`), 'utf8').includes('<pthread.h>')

/**
 * `takes`: which runs there is something to watch in. `excluded`: programs that cannot be watched, and why. `once`: since it is
 * slow, of each program one test by each way to the tailnet is enough; WATCH_ALL=1 has them all.
 */
function createWatcher({ name, needs, takes, excluded, once = false, watch }) {
  const seen = new Set()
  const key = ({ program, way }) => `${program} ${way}`
  const choose = (runs) => {
    const wanted = runs.filter((run) => !excluded[run.program] && takes(run) && !seen.has(key(run)))
    if (once && !process.env.WATCH_ALL) for (const run of wanted) seen.add(key(run))
    return new Set(wanted.map(({ program }) => program))
  }
  return { name, needs, choose, watch }
}

/** Not what another preloaded library does before the runtime has started, nor what a program of musl does, which has none. */
const hasRuntime = ({ alone, args }) =>
  alone && !args.some((argument) => argument.startsWith(programPath('', 'musl')))

const suppressions = path.join(root, 'test/watch/tsan-suppressions.txt')

export const watchers = [
  createWatcher({
    name: 'AddressSanitizer and UBSan',
    needs: missing.asan,
    takes: hasRuntime,
    excluded: {
      allocations: 'has an allocator of its own',
      sequence: 'is dial, ten thousand times',
      'bad-pointers': 'the runtime reads lengths itself, before the kernel can refuse them',
      'two-by-one': 'two processes on one stack, by a call that the runtime does not know',
    },
    watch: compiledIn('asan', sanitizedLibrary),
  }),
  createWatcher({
    name: 'ThreadSanitizer',
    needs: missing.tsan,
    takes: (run) =>
      hasRuntime(run) &&
      threaded(run.program) &&
      // Its other arguments are no threads.
      (run.program !== 'start' || run.args[0] === 'thread'),
    excluded: {},
    watch: compiledIn('tsan', threadLibrary, {
      TSAN_OPTIONS: `halt_on_error=1:exitcode=66:die_after_fork=0:suppressions=${suppressions}`,
    }),
  }),
  createWatcher({
    name: 'valgrind',
    needs: missingValgrind,
    takes: ({ alone }) => alone,
    excluded: {
      sequence: 'is dial, ten thousand times',
      signals: 'its alarm comes before the connect() that it is to interrupt',
      'two-by-one': 'valgrind takes them for one',
      'start-errors': 'valgrind ends a program whose execve() fails in the kernel alone',
    },
    once: true,
    watch: watchByValgrind,
  }),
]
