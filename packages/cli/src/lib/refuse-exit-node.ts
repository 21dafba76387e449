import { describeOrigin, type ResolvedSettings } from '@tailproxy/config'
import { CommandLineError } from './exit-status.ts'

/** Dropped in silence, traffic meant for an exit node would leave from the host. */
export function refuseExitNode({ values, origins }: ResolvedSettings): void {
  if (values.exitNode.length === 0) return
  throw new CommandLineError(
    `${describeOrigin(origins.exitNode)} is ${JSON.stringify(values.exitNode.join(','))}, but this version has no exit nodes; drop it`,
  )
}
