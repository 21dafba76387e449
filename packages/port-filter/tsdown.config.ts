import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts', 'src/load.ts', 'src/compliance.ts'],
  dts: true,
  platform: 'node',
  // The names in package.json: .js, not .mjs.
  fixedExtension: false,
  // Module by module: the doors share their errors, so `instanceof` holds for any of them.
  unbundle: true,
})
