// The file itself: what it needs, what it shows, how big it is.
import { deepEqual, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { test } from '../lib/harness.mjs'
import { library, make, missing } from '../lib/toolchain.mjs'

/** All that any C library has to have. The weak ones may be missing. */
const IMPORTS = [
  '__errno_location',
  '__h_errno_location',
  '__libc_dlopen_mode',
  '__libc_dlsym',
  'calloc',
  'dlsym',
  'environ',
  'free',
  'malloc',
]
const WEAK = ['__libc_dlopen_mode', '__libc_dlsym', 'dlsym']
const HOOKS = [
  '_Fork',
  '__read_chk',
  '__recv_chk',
  '__recvfrom_chk',
  '__res_nquery',
  '__res_nquerydomain',
  '__res_nsearch',
  '__res_nsend',
  '__res_query',
  '__res_querydomain',
  '__res_search',
  '__res_send',
  'accept',
  'accept4',
  'bind',
  'close',
  'close_range',
  'closefrom',
  'connect',
  'daemon',
  'dup2',
  'dup3',
  'execl',
  'execle',
  'execlp',
  'execv',
  'execve',
  'execveat',
  'execvp',
  'execvpe',
  'fclose',
  'fexecve',
  'fork',
  'freeaddrinfo',
  'gai_cancel',
  'gai_suspend',
  'getaddrinfo',
  'getaddrinfo_a',
  'gethostbyaddr',
  'gethostbyaddr_r',
  'gethostbyname',
  'gethostbyname2',
  'gethostbyname2_r',
  'gethostbyname_r',
  'getnameinfo',
  'getpeername',
  'getsockname',
  'getsockopt',
  'io_uring_queue_init',
  'io_uring_queue_init_mem',
  'io_uring_queue_init_params',
  'io_uring_setup',
  'listen',
  'popen',
  'posix_spawn',
  'posix_spawnp',
  'read',
  'readv',
  'recv',
  'recvfrom',
  'recvmmsg',
  'recvmsg',
  'res_nquery',
  'res_nquerydomain',
  'res_nsearch',
  'res_nsend',
  'res_query',
  'res_querydomain',
  'res_search',
  'res_send',
  'send',
  'sendmmsg',
  'sendmsg',
  'sendto',
  'syscall',
  'system',
  'write',
  'writev',
]
const SIZE_LIMIT = 100_000

function readelf(...args) {
  return spawnSync('readelf', ['-W', ...args, library], { encoding: 'utf8' }).stdout
}

function symbols() {
  const rows = readelf('--dyn-syms').matchAll(
    /^\s*\d+: \S+\s+\d+ \S+\s+(\S+)\s+\S+\s+(\S+) (\S+)$/gm,
  )
  return [...rows].map(([, binding, section, name]) => ({ binding, section, name }))
}

const options = { needs: missing.readelf }

test(
  'the library needs no other library by name',
  () => {
    const dynamic = readelf('-d')
    ok(!dynamic.includes('(NEEDED)'), dynamic)
    match(dynamic, /BIND_NOW/)
    match(readelf('-lW'), /GNU_RELRO/)
    match(readelf('-n'), /Build ID/)
    ok(!readelf('-d').includes('TEXTREL'))
  },
  options,
)

test(
  'it takes from the C library only what every one has, without versions',
  () => {
    const imports = symbols().filter(({ section }) => section === 'UND')
    deepEqual(imports.map(({ name }) => name).sort(), IMPORTS)
    const weak = imports.filter(({ binding }) => binding === 'WEAK').map(({ name }) => name)
    deepEqual(weak.sort(), WEAK)
  },
  options,
)

test(
  'it shows its hooks and nothing else',
  () => {
    const shown = symbols().filter(({ section }) => section !== 'UND')
    deepEqual(shown.map(({ name }) => name).sort(), HOOKS)
  },
  options,
)

test('it is at most 100 KB', () => {
  const { size } = statSync(library)
  ok(size <= SIZE_LIMIT, `${size} bytes`)
})

test(
  'clang builds it without a warning',
  () => {
    const build = 'build/by-clang'
    make('-j2', 'CC=clang', `BUILD=${build}`, `LIBRARY=${build}/libtailproxy.so`, 'all')
  },
  { needs: missing.clang },
)
