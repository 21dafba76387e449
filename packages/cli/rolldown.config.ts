import { defineConfig } from 'rolldown'
import { bundleNotices } from '../../scripts/third-party/bundle-notices.mjs'
import manifest from './package.json' with { type: 'json' }

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
// reads one file, `main.cjs`; all that others need besides is in another one. CommonJS, because Node
// loads its own modules several times as fast for `require` (docs/decisions/016-start.md).
export default defineConfig({
  input: { main: ENTRY },
  platform: 'node',
  plugins: [bundleNotices(manifest)],
  // jsonc-parser's "main" is a UMD file whose requires a bundler cannot follow.
  resolve: { mainFields: ['module', 'main'] },
  preserveEntrySignatures: 'allow-extension',
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'cjs',
    minify: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        {
          debugName: 'at start or later',
          name: (id: string, modules: Modules) => {
            atStart ??= loadedAtStart(modules)
            return atStart.has(id) ? 'main' : 'commands'
          },
        },
      ],
    },
  },
})
