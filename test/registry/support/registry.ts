import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SERVE = fileURLToPath(new URL('serve-registry.mjs', import.meta.url))

/** An npm registry of our own, with nothing in it at first. */
export class Registry {
  readonly url: string
  /** Of who may publish there. */
  readonly npmrc: string
  readonly #directory: string
  readonly #child: ChildProcess

  private constructor(url: string, directory: string, child: ChildProcess) {
    this.url = url
    this.#directory = directory
    this.#child = child
    this.npmrc = path.join(directory, 'npmrc')
    // npm and pnpm publish nothing without a token, be it any.
    const { host } = new URL(url)
    writeFileSync(this.npmrc, `registry=${url}\n//${host}/:_authToken=anybody\n`)
  }

  static async start(): Promise<Registry> {
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-registry-'))
    const child = spawn(process.execPath, [SERVE, directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const said = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    const gone = once(child, 'exit').then(([status]) => {
      throw new Error(`the registry has ended with status ${status}`)
    })
    gone.catch(() => {})
    for (;;) {
      const [line] = (await Promise.race([once(said, 'line'), gone])) as [string]
      if (line.startsWith('http://')) return new Registry(line, directory, child)
    }
  }

  async stop(): Promise<void> {
    const { exitCode } = this.#child
    if (exitCode === null) {
      const exited = once(this.#child, 'exit')
      this.#child.stdin?.end()
      await exited
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
