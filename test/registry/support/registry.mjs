import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pnpmCommand } from '../../../scripts/pnpm.mjs'
import { publishCommand } from '../../../scripts/publish-command.mjs'

const SERVE = fileURLToPath(new URL('serve-registry.mjs', import.meta.url))
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** An npm registry of our own on loopback, with nothing in it at first. */
export class Registry {
  /** @type {string} */
  url
  #directory
  #child

  /** @private */
  constructor(url, directory, child) {
    this.url = url
    this.#directory = directory
    this.#child = child
    // npm and pnpm publish nothing without a token, be it any.
    const { host } = new URL(url)
    writeFileSync(this.#npmrc, `registry=${url}\n//${host}/:_authToken=anybody\n`)
  }

  static async start() {
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-registry-'))
    const child = spawn(process.execPath, [SERVE, directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const said = createInterface({ input: child.stdout })
    const gone = once(child, 'exit').then(([status]) => {
      throw new Error(`the registry has ended with status ${status}`)
    })
    // Looked at in the race only.
    gone.catch(() => {})
    for (;;) {
      const [line] = await Promise.race([once(said, 'line'), gone])
      if (line.startsWith('http://')) return new Registry(line, directory, child)
    }
  }

  get #npmrc() {
    return path.join(this.#directory, 'npmrc')
  }

  /**
   * Publishes all of our packages that are not there yet, by what a release does it by.
   *
   * @returns {Promise<string>} what pnpm said
   */
  publishOurs() {
    return this.#run(publishCommand({ registry: this.url, anyTree: true }))
  }

  /** Publishes the package in a directory. @param {string} directory */
  publish(directory) {
    const words = ['publish', directory, '--no-git-checks', '--registry', this.url]
    return this.#run([...pnpmCommand(), ...words])
  }

  async #run([command, ...words]) {
    const env = { ...process.env, NPM_CONFIG_USERCONFIG: this.#npmrc }
    const { stdout, stderr } = await promisify(execFile)(command, words, { cwd: ROOT, env })
    return stdout + stderr
  }

  async stop() {
    if (this.#child.exitCode === null) {
      const exited = once(this.#child, 'exit')
      this.#child.stdin.end()
      await exited
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
