import { defineConfig } from 'tsdown'

// Everything is bundled: one package to fetch for `npx`, few files to load at start.
export default defineConfig({
  entry: ['src/main.ts'],
  dts: false,
  platform: 'node',
  minify: { compress: true, mangle: false, codegen: false },
  deps: { alwaysBundle: [/.*/], onlyBundle: false },
  // jsonc-parser's "main" is a UMD file whose requires a bundler cannot follow.
  inputOptions: { resolve: { mainFields: ['module', 'main'] } },
})
