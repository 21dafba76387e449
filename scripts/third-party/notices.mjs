// What a package that contains other people's code says of it: THIRD-PARTY-LICENSES, with the texts
// of their licences, and a CycloneDX document (https://cyclonedx.org/docs/1.6/json/). The same
// components give the same bytes: no time of day and no serial number, which the format leaves optional.
import { identifiersOf } from './licence.mjs'

/**
 * @typedef {object} Component
 * @property {string} name as its ecosystem knows it
 * @property {string} version
 * @property {string} purl package URL (https://github.com/package-url/purl-spec)
 * @property {{name: string, text: string}[]} licences
 */

const byName = (one, other) => (one.purl < other.purl ? -1 : 1)
const RULE = '-'.repeat(80)

/** @param {Component[]} components */
export function licencesText(components) {
  const parts = [...components].sort(byName).map(({ name, version, licences }) => {
    const texts = licences.map((file) => `${file.name}\n\n${file.text}\n`)
    return `${RULE}\n${name} ${version}\n${RULE}\n\n${texts.join('\n')}`
  })
  const opening = 'This package contains code of the following projects, under these licences.\n'
  return [opening, ...parts].join('\n')
}

/**
 * @param {{name: string, version: string}} product the npm package that contains them
 * @param {Component[]} components
 */
export function cycloneDx(product, components) {
  const purl = `pkg:npm/${product.name.replace('@', '%40')}@${product.version}`
  const sorted = [...components].sort(byName)
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': purl,
        name: product.name,
        version: product.version,
        licenses: [{ license: { id: 'MIT' } }],
        purl,
      },
    },
    components: sorted.map((component) => ({
      type: 'library',
      'bom-ref': component.purl,
      name: component.name,
      version: component.version,
      licenses: identifiersOf(component.name, component.licences).map((id) => ({
        license: { id },
      })),
      purl: component.purl,
    })),
    dependencies: [{ ref: purl, dependsOn: sorted.map((component) => component.purl) }],
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
