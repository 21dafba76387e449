#!/usr/bin/env node
try {
  require('../dist/main.cjs')
} catch (error) {
  if (error?.code !== 'MODULE_NOT_FOUND') throw error
  process.stderr.write('tailproxy: this checkout is not built yet; run: npx -y pnpm build\n')
  process.exitCode = 125
}
