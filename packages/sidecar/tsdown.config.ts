import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts', 'src/fake.ts'],
  dts: true,
  platform: 'node',
})
