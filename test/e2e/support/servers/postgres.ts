import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { freePort, OrdinaryServer } from '../ordinary-server.ts'

/** Where Debian has the versions of PostgreSQL, outside of PATH. */
const VERSIONS = '/usr/lib/postgresql'
/** nobody: PostgreSQL refuses to be root. */
const NOBODY = 65_534

/** The directory of the server's programs, if it is installed. */
export function postgresPrograms(): string | undefined {
  try {
    const [version] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))
    return version && path.join(VERSIONS, version, 'bin')
  } catch {
    return undefined
  }
}

/** Runs a new cluster in `directory`, whose user `postgres` needs no password. */
export async function servePostgres(directory: string): Promise<OrdinaryServer> {
  const { programs, data, root } = makeCluster(directory)
  const port = await freePort()
  const server = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', directory, '-F']
  return OrdinaryServer.start(path.join(programs, 'postgres'), server, port, {
    cwd: directory,
    ...(root ? { user: NOBODY } : {}),
  })
}

/** The words that run a new cluster on all addresses, as nobody when we are root. */
export function postgresCommand(directory: string, port: number): string[] {
  const { programs, data, root } = makeCluster(directory)
  // Whoever comes from the tailnet, in the two ranges that it has.
  const anyone = ['100.64.0.0/10', 'fd7a:115c:a1e0::/48']
  const lines = anyone.map((range) => `host all all ${range} trust\n`)
  appendFileSync(path.join(data, 'pg_hba.conf'), lines.join(''))
  const change = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups']
  const server = ['-D', data, '-p', String(port), '-h', '*', '-k', directory, '-F']
  return [...(root ? ['setpriv', ...change] : []), path.join(programs, 'postgres'), ...server]
}

function makeCluster(directory: string) {
  const programs = postgresPrograms()
  if (!programs) throw new Error(`no PostgreSQL server in ${VERSIONS}`)
  const root = process.getuid?.() === 0
  mkdirSync(directory)
  if (root) {
    // Its own directory, and the way to it.
    chownSync(directory, NOBODY, NOBODY)
    chmodSync(path.dirname(directory), 0o755)
  }
  const data = path.join(directory, 'data')
  const initial = ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync']
  execFileSync(path.join(programs, 'initdb'), initial, {
    cwd: directory,
    stdio: 'ignore',
    ...(root ? { uid: NOBODY, gid: NOBODY } : {}),
  })
  return { programs, data, root }
}
