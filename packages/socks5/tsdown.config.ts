import { defineConfig } from 'tsdown'

// One build, not one a door: `instanceof` must hold for errors of any door.
export default defineConfig({
  entry: ['src/index.ts', 'src/server.ts', 'src/client.ts'],
  dts: true,
  platform: 'node',
})
