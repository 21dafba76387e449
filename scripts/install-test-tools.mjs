// Installs what the tests run against TailProxy from Debian's packages, when we are root on a
// Debian. Elsewhere it only says what is missing: a test that lacks one says so and is skipped.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

/** The Debian packages that bring each program, with what it needs to be of use. */
const TOOLS = {
  curl: ['curl'],
  wget: ['wget'],
  git: ['git'],
  python3: ['python3'],
  javac: ['default-jdk-headless'],
  gcc: ['gcc', 'libc6-dev'],
  make: ['make'],
  zsh: ['zsh'],
  fish: ['fish'],
  readelf: ['binutils'],
  'musl-gcc': ['musl-tools'],
  clang: ['clang', 'libclang-rt-dev'],
  valgrind: ['valgrind'],
  strace: ['strace'],
  'aarch64-linux-gnu-gcc': ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'],
  'qemu-aarch64': ['qemu-user'],
  ip: ['iproute2'],
  nft: ['nftables'],
  openssl: ['openssl'],
  perl: ['perl'],
  psql: ['postgresql', 'postgresql-client'],
  'redis-server': ['redis-server', 'redis-tools'],
  sshd: ['openssh-server', 'openssh-client'],
  dig: ['bind9-dnsutils'],
  nc: ['netcat-openbsd'],
  socat: ['socat'],
  iperf3: ['iperf3'],
  rsync: ['rsync'],
  proxychains4: ['proxychains4'],
  nginx: ['nginx-light'],
  gunicorn: ['gunicorn'],
  // By far the largest: 130 MB to fetch, 410 MB on disk.
  chromium: ['chromium'],
}

/** Debian's packages of Python modules, for Debian's own Python. */
const MODULES = ['requests', 'aiohttp']
const MODULES_DIRECTORY = '/usr/lib/python3/dist-packages'

function isOnPath(program) {
  return (process.env.PATH ?? '').split(':').some((directory) => {
    try {
      accessSync(path.join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function apt(...args) {
  const { status, error } = spawnSync('apt-get', ['-q', '-y', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (error) throw error
  if (status !== 0) process.exit(status)
}

const programs = Object.keys(TOOLS).filter((program) => !isOnPath(program))
const modules = MODULES.filter((name) => !existsSync(path.join(MODULES_DIRECTORY, name)))
const missing = [...programs, ...modules]
if (missing.length > 0) {
  const packages = [
    ...new Set(programs.flatMap((program) => TOOLS[program])),
    ...modules.map((name) => `python3-${name}`),
  ]
  if (process.getuid() === 0 && isOnPath('apt-get')) {
    apt('update')
    apt('install', '--no-install-recommends', ...packages)
  } else {
    console.log(
      `tests that need ${missing.join(', ')} will be skipped; to run them: apt-get install ${packages.join(' ')}`,
    )
  }
}
