import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts', 'src/server.ts'],
  dts: true,
  platform: 'node',
  // Module by module: the doors share what they have in common.
  unbundle: true,
})
