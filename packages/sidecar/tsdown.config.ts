import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts', 'src/fake.ts'],
  dts: true,
  platform: 'node',
  // Module by module: a bundler leaves out those that are not used, schemas and all.
  unbundle: true,
})
