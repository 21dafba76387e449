import path from 'node:path'
import { rolldown } from 'rolldown'

/** Bytes, minified, of a program that does nothing but use these names of a door. */
export async function bundledBytes(
  project: string,
  door: string,
  names: readonly string[] | 'all',
): Promise<number> {
  const use =
    names === 'all'
      ? `export * from '${door}'`
      : `import { ${names.join(', ')} } from '${door}'\nconsole.log(${names.join(', ')})`
  const entry = path.join(project, 'entry.js')
  const bundle = await rolldown({
    input: entry,
    cwd: project,
    platform: 'node',
    external: [/^node:/, 'vitest'],
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? entry : null),
        load: (id) => (id === entry ? use : null),
      },
    ],
  })
  try {
    const { output } = await bundle.generate({ minify: true })
    return output.reduce((sum, part) => sum + (part.type === 'chunk' ? part.code.length : 0), 0)
  } finally {
    await bundle.close()
  }
}
