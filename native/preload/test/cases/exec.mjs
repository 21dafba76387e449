// What a wrapped program starts is wrapped too, whatever it does to the environment.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, chown, copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { root, test } from '../lib/harness.mjs'
import { environmentFor, observe, run, start } from '../lib/program.mjs'
import { CREDENTIAL, credentialEnvironment, echoServer, socksServer } from '../lib/servers.mjs'
import { library, missing, missingCommand, programPath } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, TAILNET, testBoth } from '../lib/world.mjs'

const GLIBC_ONLY = ['execveat', 'execveat-empty']
const CALLS = [
  'execve',
  'execv',
  'execvp',
  'execvpe',
  'execl',
  'execlp',
  'execle',
  'execveat',
  'execveat-empty',
  'fexecve',
  'posix_spawn',
  'posix_spawnp',
  'system',
  'popen',
]
const BY_SHELL = ['system', 'popen']
const otherLibrary = path.join(root, 'build/test/libother.so')

const env = {
  LD_PRELOAD: library,
  TAILPROXY_HOST: '127.0.0.1',
  TAILPROXY_PORT: '9',
  ...credentialEnvironment,
}
const OURS = Object.entries(env).map(([name, value]) => `${name}=${value}`)

/** Shells add variables of their own. */
const OF_A_SHELL = /^(PWD|OLDPWD|SHLVL|_)=/

/** What `surroundings` finds when it is started by `call`, in `where`, with `entries`. */
async function surroundings(context, kind, { call, where = 'fork', entries, args = ['a', 'b c'] }) {
  const words = BY_SHELL.includes(call) ? args.filter((word) => !word.includes(' ')) : args
  const command = [where, call, ...entries, '--', programPath('surroundings', kind), ...words]
  const stdout = await observe(context, 'start', command, { env, kind })
  const lines = stdout.trimEnd().split('\n')
  const shown = lines.indexOf(`arguments: ${words.join(' ')}`)
  ok(shown >= 0, stdout)
  const found = lines.slice(shown + 1, -1)
  return {
    found: BY_SHELL.includes(call) ? found.filter((line) => !OF_A_SHELL.test(line)) : found,
    status: lines.at(-1),
  }
}

const sorted = (lines) => [...lines].sort()

function testCall(name, calls, run, options) {
  for (const call of calls) {
    const body = (context, kind) => run(context, kind, call)
    if (GLIBC_ONLY.includes(call)) test(`${call} ${name} (glibc)`, (c) => body(c, 'glibc'), options)
    else testBoth(`${call} ${name}`, body, options)
  }
}

testCall('gives back a cleared environment', CALLS, async (context, kind, call) => {
  const { found, status } = await surroundings(context, kind, { call, entries: [] })
  deepEqual(sorted(found), sorted(OURS))
  equal(status, 'status: 0')
})

testCall('gives one where there is none', CALLS, async (context, kind, call) => {
  const { found } = await surroundings(context, kind, { call, entries: ['=null'] })
  deepEqual(sorted(found), sorted(OURS))
})

testCall(
  'mends what was changed, and keeps the rest and another library',
  CALLS,
  async (context, kind, call) => {
    const entries = ['A=1', 'TAILPROXY_HOST=192.0.2.1', `LD_PRELOAD=${otherLibrary}`, 'B=2']
    const mended = ['A=1', OURS[1], `LD_PRELOAD=${library}:${otherLibrary}`, 'B=2']
    const { found } = await surroundings(context, kind, { call, entries })
    const wanted = [...mended, ...OURS.slice(2)]
    if (BY_SHELL.includes(call)) deepEqual(sorted(found), sorted(wanted))
    else deepEqual(found, wanted)
  },
)

testCall(
  'leaves the dial socket to what it starts, whatever the environment',
  CALLS,
  async (context, kind, call) => {
    const { port, env: dialEnv } = await dialWorld(context)
    const program = (name, ...args) =>
      observe(context, 'start', ['fork', call, '--', programPath(name, kind), ...args], {
        env: dialEnv,
        kind,
      })
    match(await program('dial', FOUR, port), /^connect: ok\n(.*\n)*peer: the destination$/m)
    const found = await program('surroundings', 'a')
    for (const name of ['TAILPROXY_SOCK', 'TAILPROXY_TOKEN']) ok(found.includes(dialEnv[name]))
    match(found, /^TAILPROXY_FD=\d+$/m)
  },
  { needs: missing.go },
)

testCall('leaves alone what is complete', CALLS, async (context, kind, call) => {
  const entries = ['Z=1', ...OURS.toReversed(), 'A=2', 'TAILPROXY_VERBOSE=0', 'A=2']
  const { found } = await surroundings(context, kind, { call, entries })
  if (BY_SHELL.includes(call)) deepEqual(new Set(found), new Set(entries))
  else deepEqual(found, entries)
})

testCall('passes on the exit status', CALLS, async (context, kind, call) => {
  const { status } = await surroundings(context, kind, { call, entries: [], args: ['7'] })
  equal(status, 'status: 7')
})

testCall('takes ten thousand variables', CALLS, async (context, kind, call) => {
  const { found } = await surroundings(context, kind, { call, entries: ['=many'] })
  // A shell makes one of those that have the same name.
  equal(new Set(found).size, OURS.length + 1)
  if (!BY_SHELL.includes(call)) equal(found.length, OURS.length + 10_000)
})

const EXECS = CALLS.filter((call) => call.includes('exec'))
for (const where of ['vfork', 'thread', 'handler']) {
  const places = {
    vfork: 'after vfork()',
    thread: 'in a threaded program',
    handler: 'in a handler',
  }
  testCall(`gives back the environment ${places[where]}`, EXECS, async (context, kind, call) => {
    const { found, status } = await surroundings(context, kind, { call, where, entries: ['A=1'] })
    deepEqual(found, ['A=1', ...OURS.slice(1), OURS[0]])
    equal(status, 'status: 0')
  })
}

testBoth('an inert library leaves every environment alone', async (context, kind) => {
  for (const call of CALLS) {
    if (kind === 'musl' && GLIBC_ONLY.includes(call)) continue
    const command = ['fork', call, 'A=1', '--', programPath('surroundings', kind)]
    const stdout = await observe(context, 'start', command, { env: { LD_PRELOAD: library }, kind })
    ok(!/LD_PRELOAD|TAILPROXY/.test(stdout), stdout)
  }
})

async function unstartable(context) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-exec-'))
  context.defer(() => rm(directory, { recursive: true }))
  const files = {
    plain: '',
    text: 'exit 5\n',
    script: '#!/bin/sh\nexit 4\n',
    dangling: '#!/none\n',
  }
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(directory, name), content)
    if (name !== 'plain') await chmod(path.join(directory, name), 0o755)
  }
  await symlink('loop', path.join(directory, 'loop'))
  return directory
}

for (const how of [[], ['clear']]) {
  const name = how.length > 0 ? 'with a cleared environment' : 'with its environment'
  testBoth(`what the kernel refuses to start ${name} is refused alike`, async (context, kind) => {
    const args = [await unstartable(context), ...how]
    const without = await observe(context, 'start-errors', args, { kind })
    equal(await observe(context, 'start-errors', args, { env, kind }), without)
  })
}

testCall('starts what is captured', CALLS, async (context, kind, call) => {
  const echo = await echoServer(context)
  const routes = { [`*:${echo.port}`]: echo.port }
  const socks = await socksServer(context, { routes, ...CREDENTIAL })
  const child = [programPath('dial', kind), TAILNET, String(echo.port)]
  const stdout = await observe(context, 'start', ['fork', call, '--', ...child], {
    env: environmentFor(socks, credentialEnvironment),
    kind,
  })
  ok(stdout.includes('connect: ok\n'), stdout)
  ok(stdout.includes('read: ping\n'), stdout)
  deepEqual(
    socks.connects().map(({ host }) => host),
    [TAILNET],
  )
})

/** Programs as they are, each starting `dial` with no environment. */
const WRAPPERS = {
  'env -i': ['env', (child) => ['-i', ...child]],
  'env -i, twice': ['env', (child) => ['-i', '/usr/bin/env', '-i', ...child]],
  'a shell without the variables': [
    'sh',
    (child) => ['-c', 'unset LD_PRELOAD TAILPROXY_HOST TAILPROXY_PORT; "$@"', 'sh', ...child],
  ],
  'Python with env={}': [
    'python3',
    (child) => ['-c', 'import subprocess,sys; subprocess.run(sys.argv[1:], env={})', ...child],
  ],
  'Python with posix_spawn': [
    'python3',
    (child) => [
      '-c',
      'import os,sys; os.waitpid(os.posix_spawn(sys.argv[1], sys.argv[1:], {}), 0)',
      ...child,
    ],
  ],
  'Node with env: {}': [
    process.execPath,
    (child) => [
      '-e',
      `require('node:child_process').spawnSync(process.argv[1], process.argv.slice(2), { env: {}, stdio: 'inherit' })`,
      ...child,
    ],
  ],
  'Perl with %ENV = ()': [
    'perl',
    (child) => ['-e', '%ENV = (); system { $ARGV[0] } @ARGV', ...child],
  ],
  xargs: ['env', (child) => ['-i', 'xargs', '-a', '/dev/null', ...child]],
}
for (const [name, [command, args]] of Object.entries(WRAPPERS)) {
  test(
    `${name} starts what is captured`,
    async (context) => {
      const echo = await echoServer(context)
      const routes = { [`*:${echo.port}`]: echo.port }
      const socks = await socksServer(context, { routes })
      const child = [programPath('dial'), TAILNET, String(echo.port)]
      const { stdout, stderr } = await start(context, command, args(child), environmentFor(socks))
        .ended
      ok(stdout.includes('read: ping\n'), stdout + stderr)
      equal(socks.connects().length, 1)
    },
    { needs: command === 'sh' ? undefined : missingCommand(command) },
  )
}

test(
  'env -i curl is captured',
  async (context) => {
    const socks = await socksServer(context, { names: { hello: ['100.64.0.1'] } })
    const args = ['-i', 'curl', '-sS', 'http://hello:81/']
    const { status } = await start(context, 'env', args, environmentFor(socks)).ended
    equal(status, 7)
    equal(socks.connects()[0].port, 81)
  },
  { needs: missingCommand('curl') },
)

test(
  'a program of the other C library is captured too',
  async (context) => {
    const command = ['fork', 'execve', '--', programPath('surroundings', 'musl')]
    const stdout = await observe(context, 'start', command, { env })
    ok(stdout.includes(`\nLD_PRELOAD=${library}\n`), stdout)
  },
  { needs: missing.musl },
)

const strict = {
  TAILPROXY_EXIT: { TAILPROXY_EXIT: '1' },
  _ONLY_TAILNET: { TAILPROXY_ONLY_TAILNET: '1' },
}
const REFUSED =
  'not started, since it cannot be captured and an exit node or --only-tailnet is set\n'
const WARNED = "it is not captured and uses the host's network (said once)\n"

/** Starts `file` by `call`; `extra` says whether what cannot be captured may be started. */
function startUncaptured(context, kind, call, file, extra = {}, entries = ['=same']) {
  const command = ['fork', call, ...entries, '--', ...[file].flat()]
  return run(context, 'start', command, { env: { ...env, ...extra }, kind })
}

/** A program that is given by its descriptor has no name to show. */
const shownAs = (call, file) => (/fexecve|empty/.test(call) ? 'the program' : file)

const needsStatic = { needs: missing.static }

for (const call of CALLS) {
  for (const linked of ['static', 'static-pie']) {
    const file = programPath('surroundings', linked)
    test(
      `${call} refuses a ${linked} program when only the tailnet is allowed`,
      async (context) => {
        for (const entries of [['=same'], ['A=1']]) {
          const { stdout, stderr } = await startUncaptured(
            context,
            'glibc',
            call,
            file,
            strict._ONLY_TAILNET,
            entries,
          )
          ok(stderr.startsWith(`tailproxy: ${shownAs(call, file)} is static: ${REFUSED}`), stderr)
          ok(!stdout.includes('arguments:'), stdout)
          if (call.startsWith('posix')) equal(stdout, `${call}: EACCES, errno 0\n`)
          else if (call.includes('exec')) equal(stdout, `${call}: EACCES\nstatus: 99\n`)
        }
      },
      needsStatic,
    )
  }
  test(
    `${call} starts a static program with a warning otherwise`,
    async (context) => {
      const file = programPath('surroundings', 'static')
      const { stdout, stderr } = await startUncaptured(context, 'glibc', call, file)
      equal(stderr, `tailproxy: ${shownAs(call, file)} is static: ${WARNED}`)
      ok(stdout.includes('arguments:\n'), stdout)
      ok(stdout.endsWith('status: 0\n'), stdout)
    },
    needsStatic,
  )
}

test(
  'the warning comes once for a program and what it forks',
  async (context) => {
    const file = programPath('surroundings', 'static')
    const script = `${file} & wait; (${file}); ${file}`
    const { stdout, stderr } = await start(context, 'sh', ['-c', script], env).ended
    equal(stdout.match(/arguments:/g).length, 3)
    equal(stderr, `tailproxy: ${file} is static: ${WARNED}`)
  },
  needsStatic,
)

test(
  'a script is what its interpreter is, and a name what PATH makes of it',
  async (context) => {
    const directory = await unstartable(context)
    const file = programPath('surroundings', 'static')
    const scripts = { first: `#! ${file} a`, second: `#!${directory}/first\n` }
    for (const [name, line] of Object.entries(scripts)) {
      await writeFile(path.join(directory, name), line)
      await chmod(path.join(directory, name), 0o755)
    }
    for (const [name, PATH] of [
      [`${directory}/first`, '/bin'],
      [`${directory}/second`, '/bin'],
      ['surroundings', `/none::${path.dirname(file)}:/bin`],
    ]) {
      const result = await startUncaptured(context, 'glibc', 'execvp', name, {
        PATH,
        TAILPROXY_EXIT: '1',
      })
      equal(result.stdout, 'execvp: EACCES\nstatus: 99\n')
      ok(result.stderr.includes('static: not started'), result.stderr)
    }
    const captured = await startUncaptured(
      context,
      'glibc',
      'execve',
      `${directory}/script`,
      strict.TAILPROXY_EXIT,
    )
    deepEqual([captured.stdout, captured.stderr], ['status: 4\n', ''])
  },
  needsStatic,
)

test(
  'a loader that is called by its name is captured',
  async (context) => {
    const interpreter = /interpreter: (\S+)\]/.exec(
      spawnSync('readelf', ['-lW', programPath('surroundings')], { encoding: 'utf8' }).stdout,
    )[1]
    const words = [interpreter, programPath('surroundings')]
    const { stdout, stderr } = await startUncaptured(
      context,
      'glibc',
      'execve',
      words,
      strict.TAILPROXY_EXIT,
    )
    equal(stderr, '')
    ok(stdout.includes(`LD_PRELOAD=${library}\n`), stdout)
  },
  { needs: missing.readelf },
)

test(
  'a set-uid program is refused when an exit node is set',
  async (context) => {
    const file = path.join(await unstartable(context), 'set-uid')
    await copyFile(programPath('surroundings'), file)
    await chown(file, 65_534, 65_534)
    await chmod(file, 0o4755)
    const { stdout, stderr } = await startUncaptured(
      context,
      'glibc',
      'execve',
      file,
      strict.TAILPROXY_EXIT,
    )
    equal(stdout, 'execve: EACCES\nstatus: 99\n')
    equal(stderr, `tailproxy: ${file} runs with privileges of its own: ${REFUSED}`)
    const allowed = await startUncaptured(context, 'glibc', 'execve', file)
    equal(allowed.stderr, `tailproxy: ${file} runs with privileges of its own: ${WARNED}`)
  },
  { needs: process.getuid() === 0 ? undefined : 'root' },
)

test(
  'a program for another machine is refused when an exit node is set',
  async (context) => {
    const file = path.join(root, 'build/aarch64/test/glibc/surroundings')
    const { stdout, stderr } = await startUncaptured(
      context,
      'glibc',
      'execve',
      file,
      strict.TAILPROXY_EXIT,
    )
    equal(stdout, 'execve: EACCES\nstatus: 99\n')
    equal(stderr, `tailproxy: ${file} is for another machine: ${REFUSED}`)
  },
  { needs: process.arch === 'x64' ? missing.aarch64 : 'x86_64' },
)

test(
  'without a proxy static programs start and nothing is said',
  async (context) => {
    const command = ['fork', 'execve', '=same', '--', programPath('surroundings', 'static')]
    const extra = { LD_PRELOAD: library, TAILPROXY_EXIT: '1' }
    ok((await observe(context, 'start', command, { env: extra })).endsWith('status: 0\n'))
  },
  needsStatic,
)

test('what the kernel refuses is refused alike when only the tailnet is allowed', async (context) => {
  const args = [await unstartable(context), 'clear']
  const without = await observe(context, 'start-errors', args)
  equal(
    await observe(context, 'start-errors', args, { env: { ...env, ...strict._ONLY_TAILNET } }),
    without,
  )
})
