import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

/** Whether a program is on PATH. */
export function has(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(path.join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** A test's name, saying what it lacks when it will be skipped for it. */
export function named(name: string, ...programs: string[]): string {
  const lacking = programs.filter((program) => !has(program))
  return lacking.length === 0 ? name : `${name} (skipped: needs ${lacking.join(', ')})`
}

export function lacks(...programs: string[]): boolean {
  return programs.some((program) => !has(program))
}
