export interface ExportPlace {
  readonly port: number
  readonly addresses: readonly string[]
  readonly targets: readonly string[]
}

/** One line for people: where the tailnet finds an export, and what it leads to. */
export function describeExport({ port, addresses, targets }: ExportPlace, node: string): string {
  return `${node}:${port} (${addresses.join(', ')}) leads to ${targets.join(' and ')}`
}
