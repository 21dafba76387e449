interface NamedPort {
  readonly port: number
  /** `tcp` when it is not there. */
  readonly network?: string | undefined
}

/** As commands take it: one of TCP is just its number. */
export function portOperand({ network, port }: NamedPort): string {
  return network === 'udp' ? `${port}/udp` : String(port)
}

export function describePort(named: NamedPort): string {
  return `port ${portOperand(named)}`
}
