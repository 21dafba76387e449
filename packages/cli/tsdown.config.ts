import { defineConfig } from 'tsdown'

interface Modules {
  getModuleInfo(id: string): { importedIds: readonly string[] } | null
}

const ENTRY = `${import.meta.dirname}/src/main.ts`

/** What is there once the entry is: all that it imports, and that imports, and so on. */
function loadedAtStart(modules: Modules): Set<string> {
  const found = new Set([ENTRY])
  for (const id of found) {
    for (const imported of modules.getModuleInfo(id)?.importedIds ?? []) found.add(imported)
  }
  return found
}

let atStart: Set<string> | undefined

// Everything is bundled: one package to fetch for `npx`. A command that joins a session that runs
// reads one file, `tailproxy.mjs`; all that others need besides is in another one.
export default defineConfig({
  entry: { main: ENTRY },
  dts: false,
  platform: 'node',
  minify: { compress: true, mangle: false, codegen: false },
  deps: { alwaysBundle: [/.*/], onlyBundle: false },
  // jsonc-parser's "main" is a UMD file whose requires a bundler cannot follow.
  inputOptions: {
    resolve: { mainFields: ['module', 'main'] },
    preserveEntrySignatures: 'allow-extension',
  },
  outputOptions: {
    chunkFileNames: '[name].mjs',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        {
          name: (id: string, modules: Modules) => {
            atStart ??= loadedAtStart(modules)
            return atStart.has(id) ? 'tailproxy' : 'commands'
          },
        },
      ],
    },
  },
})
