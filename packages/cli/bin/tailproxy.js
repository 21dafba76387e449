#!/usr/bin/env node
import('../dist/main.mjs').catch((error) => {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
  process.stderr.write('tailproxy: this checkout is not built yet; run: npx -y pnpm build\n')
  process.exitCode = 125
})
