import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { lacks, named } from '@tailproxy/e2e/support/needs.ts'
import { expect, test } from 'vitest'
import { ARCHITECTURES, packageDirectory, sidecarFile } from '../support/platform-packages.ts'

interface Component {
  name: string
  version: string
  purl: string
  licenses: { license: { id: string } }[]
}

interface Bom {
  bomFormat: string
  specVersion: string
  metadata: { component: { name: string; version: string } }
  components: Component[]
}

const read = (directory: string, file: string) => readFileSync(path.join(directory, file), 'utf8')
const bomIn = (directory: string): Bom => JSON.parse(read(directory, 'sbom.cdx.json'))

const inCli = path.join(packageDirectory('cli'), 'dist')
const places = [
  ['@tailproxy/cli', inCli],
  ...ARCHITECTURES.map((architecture) => {
    const name = `sidecar-linux-${architecture}`
    return [`@tailproxy/${name}`, packageDirectory(name)] as const
  }),
] as const

test.for(places)(
  '%s lists what it contains, with a licence and its text each',
  ([name, directory]) => {
    const bom = bomIn(directory)
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' })
    expect(bom.metadata.component.name).toBe(name)
    const texts = read(directory, 'THIRD-PARTY-LICENSES')
    for (const component of bom.components) {
      expect(component.licenses, component.name).not.toEqual([])
      expect(texts).toContain(`\n${component.name} ${component.version}\n`)
    }
    expect(texts).toContain('Permission is hereby granted, free of charge')
  },
)

test.for(places)('what %s says of itself has no time and no place in it', ([, directory]) => {
  const text = read(directory, 'sbom.cdx.json') + read(directory, 'THIRD-PARTY-LICENSES')
  expect(text).not.toMatch(/"timestamp"|"serialNumber"|\/node_modules\/|\/pkg\/mod\//)
})

test.for(ARCHITECTURES)(
  named('the list of the sidecar for %s is what the linker wrote into it', 'go'),
  { skip: lacks('go') },
  (architecture) => {
    const told = execFileSync('go', ['version', '-m', sidecarFile(architecture)], {
      encoding: 'utf8',
    })
    const linked = [...told.matchAll(/^\tdep\t(\S+)\t(\S+)/gm)].map(
      ([, name, version]) => `pkg:golang/${name}@${version}`,
    )
    const [, go] = /: go(\S+)/.exec(told) ?? []
    const { components } = bomIn(packageDirectory(`sidecar-linux-${architecture}`))
    expect(components.map(({ purl }) => purl).sort()).toEqual(
      [...linked, `pkg:golang/std@${go}`].sort(),
    )
  },
)

test('the list of the command is what is bundled, and nothing of the workspace', () => {
  const names = bomIn(inCli).components.map(({ name }) => name)
  expect(names).toEqual(['eventemitter3', 'fastest-levenshtein', 'jsonc-parser', 'uqr', 'zod'])
})
