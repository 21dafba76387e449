// A plugin for rolldown: puts beside a bundle what is to be said of the packages in it.

import { cycloneDx, licencesText } from './notices.mjs'
import { npmComponents } from './npm-packages.mjs'

/** @param {{name: string, version: string}} product the package of the bundle */
export function bundleNotices(product) {
  return {
    name: 'bundle-notices',
    generateBundle(_options, bundle) {
      const files = Object.values(bundle).flatMap((file) =>
        file.type === 'chunk' ? file.moduleIds : [],
      )
      const components = npmComponents(new Set(files))
      const emit = (fileName, source) => this.emitFile({ type: 'asset', fileName, source })
      emit('THIRD-PARTY-LICENSES', licencesText(components))
      emit('sbom.cdx.json', cycloneDx(product, components))
    },
  }
}
