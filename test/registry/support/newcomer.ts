import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'

/** The user that may nothing: Debian's nobody. */
const NOBODY = 65_534

export interface Said {
  status: number | null
  stdout: string
  stderr: string
}

/** Somebody who has Node and nothing of ours, in an empty home; no root where we can choose. */
export class Newcomer {
  readonly home: string
  readonly bin: string
  readonly #ids: { uid?: number; gid?: number }
  readonly #running = new Set<ChildProcess>()

  constructor(registry: string) {
    this.home = mkdtempSync(path.join(tmpdir(), 'tailproxy-newcomer-'))
    this.bin = path.join(this.home, 'bin')
    this.#ids = process.geteuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
    chmodSync(this.home, 0o755)
    this.#claim(this.home)
    this.directory('bin')
    writeFileSync(path.join(this.home, '.npmrc'), `registry=${registry}\n`)
    symlinkSync(process.execPath, path.join(this.bin, 'node'))
    // npm has its programs run by a shell, which it looks for.
    for (const program of ['npm', 'npx', 'sh', 'curl']) this.give(program)
  }

  /** Makes a directory of theirs. */
  directory(name: string): string {
    const directory = path.join(this.home, name)
    mkdirSync(directory)
    this.#claim(directory)
    return directory
  }

  /** Puts a program of our own PATH on theirs. */
  give(program: string): void {
    symlinkSync(programOf(program), path.join(this.bin, program))
  }

  /** Puts a copy of a file on their PATH: it may be where they cannot go. */
  giveCopy(program: string, file: string): void {
    const copy = path.join(this.bin, program)
    const source = realpathSync(file)
    try {
      linkSync(source, copy)
    } catch {
      // It is on another file system.
      copyFileSync(source, copy)
      chmodSync(copy, 0o755)
    }
  }

  /** Runs a program of their PATH in their home, or below. */
  async run(words: readonly string[], options: RunOptions = {}): Promise<Said> {
    const [program = '', ...args] = words
    const child = spawn(path.isAbsolute(program) ? program : path.join(this.bin, program), args, {
      ...this.#ids,
      cwd: options.cwd ?? this.home,
      env: {
        HOME: this.home,
        PATH: this.bin,
        TMPDIR: tmpdir(),
        // npm asks for its own newest version, and for money.
        npm_config_update_notifier: 'false',
        npm_config_fund: 'false',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running.add(child)
    child.once('close', () => void this.#running.delete(child))
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve)
    })
    const said = [text(child.stdout), text(child.stderr)] as const
    const [status, stdout, stderr] = await Promise.all([ended, ...said])
    return { status, stdout, stderr }
  }

  leave(): void {
    // What a failed test has left: ours ends with all that it started.
    for (const child of this.#running) child.kill()
    rmSync(this.home, { recursive: true, force: true })
  }

  #claim(file: string): void {
    if (this.#ids.uid !== undefined) chownSync(file, NOBODY, NOBODY)
  }
}

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
}

function programOf(program: string): string {
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    try {
      return realpathSync(path.join(directory, program))
    } catch {
      // It is in another one.
    }
  }
  throw new Error(`${program} is not on PATH`)
}
