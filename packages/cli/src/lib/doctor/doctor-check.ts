/** One thing that `tailproxy doctor` has looked at. */
export interface DoctorCheck {
  name: string
  /** `warn`: it works, but not for everything. */
  status: 'ok' | 'warn' | 'fail'
  /** What was found. */
  found: string
  /** What to do about it, when it is not well. */
  fix?: string
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const LABELS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

/** A line for each, with what to do below. */
export function describeChecks(checks: readonly DoctorCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.flatMap(({ name, status, found, fix }) => [
    `${LABELS[status]}  ${name.padEnd(width)}  ${found}`,
    ...(fix ? [`${' '.repeat(width + 8)}${fix}`] : []),
  ])
  return `${lines.join('\n')}\n`
}
