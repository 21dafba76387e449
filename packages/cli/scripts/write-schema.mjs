// Asks the command that was just built for the JSON Schema of its files, for editors to find in the package.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../dist/main.cjs', import.meta.url))
const schema = new URL('../schema/', import.meta.url)

mkdirSync(schema, { recursive: true })
writeFileSync(
  new URL('config.schema.json', schema),
  execFileSync(process.execPath, [main, 'config', 'schema']),
)
