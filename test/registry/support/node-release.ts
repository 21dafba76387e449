import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'

/** A Node of another version, from the package that has its binary. */
export class NodeRelease {
  readonly file: string
  readonly #directory: string

  private constructor(file: string, directory: string) {
    this.file = file
    this.#directory = directory
  }

  /** @returns undefined where it cannot be downloaded */
  static async fetch(version: string): Promise<NodeRelease | undefined> {
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-node-'))
    // Others are to run it.
    chmodSync(directory, 0o755)
    const name = `node-linux-${process.arch}`
    const words = ['install', '--no-save', '--no-package-lock', '--prefer-offline']
    const child = spawn('npm', [...words, '--prefix', directory, `${name}@${version}`], {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const said = await text(child.stderr)
    const file = path.join(directory, 'node_modules', name, 'bin/node')
    if (existsSync(file)) return new NodeRelease(file, directory)
    console.error(said)
    rmSync(directory, { recursive: true, force: true })
    return undefined
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
