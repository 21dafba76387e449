import { portText } from '@tailproxy/exporter'

export interface ExportPlace {
  readonly network: string
  readonly port: number
  readonly addresses: readonly string[]
  readonly targets: readonly string[]
}

/** One line for people: where the tailnet finds an export, and what it leads to. */
export function describeExport(exported: ExportPlace, node: string): string {
  const { addresses, targets } = exported
  return `${node}:${portText(exported)} (${addresses.join(', ')}) leads to ${targets.join(' and ')}`
}
