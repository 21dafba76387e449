import process from 'node:process'
import {
  configSchema,
  describeOrigin,
  lookedAtFiles,
  resolveSettings,
  type SettingSources,
  settingInFile,
  settingNames,
  settings,
} from '@tailproxy/config'
import { columns } from '../lib/columns.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import type { ChildExit } from '../lib/run-child.ts'

/** `tailproxy config`, `config path`, `config schema`. */
export async function config(
  operands: readonly string[],
  sources: SettingSources,
  { json }: { json: boolean },
): Promise<ChildExit> {
  const [what = 'values', ...rest] = operands
  const show = Object.hasOwn(SHOWN, what) ? SHOWN[what as keyof typeof SHOWN] : undefined
  if (!show) {
    throw new CommandLineError(
      `config has no "${what}"; use tailproxy config, config path or config schema`,
    )
  }
  if (rest.length > 0) throw new CommandLineError(`config ${what} takes no "${rest[0]}"`)
  process.stdout.write(await show(sources, json))
  return { status: 0, signal: null }
}

const SHOWN = { values: showValues, path: showFiles, schema: showSchema }

/** Every value as a file would hold it, and where it came from. */
async function showValues(sources: SettingSources, json: boolean): Promise<string> {
  const { values, origins } = await resolveSettings(sources)
  const all = settingNames.map((name) => {
    const { key } = settings[name]
    return { key, value: settingInFile(name, values), origin: origins[name] }
  })
  if (json) {
    const byKey = all.map(({ key, value, origin }) => [key, { value, origin }])
    return `${JSON.stringify({ settings: Object.fromEntries(byKey) })}\n`
  }
  return columns(
    all.map(({ key, value, origin }) => {
      const shown = value === '(set)' ? value : JSON.stringify(value)
      return [key, shown, origin.kind === 'file' ? origin.path : describeOrigin(origin)]
    }),
  )
}

/** The files that are looked at, those that count most first. */
async function showFiles(sources: SettingSources, json: boolean): Promise<string> {
  const files = await lookedAtFiles(sources)
  if (json) return `${JSON.stringify({ files })}\n`
  return columns(files.map(({ role, path, exists }) => [role, path, exists ? '' : '(none)']))
}

async function showSchema(): Promise<string> {
  return `${JSON.stringify(configSchema(), null, 2)}\n`
}
