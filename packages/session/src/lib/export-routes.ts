import { describePort, type Exporter } from '@tailproxy/exporter'
import { z } from 'zod'
import { exportOptionsOf } from './export-options-of.ts'
import { filtersOf } from './filters.ts'
import { Answer, Problem, type Routes, readBody } from './http-routes.ts'
import type { SessionHost } from './session-host.ts'
import { understand } from './understand.ts'

const Port = z.int().min(1).max(65_535)
const Network = z.enum(['tcp', 'udp']).default('tcp')

const ExportRequest = z.strictObject({
  port: Port,
  network: Network,
  /** Where it listens, if not on loopback. */
  address: z.string().min(1).optional(),
  settings: z.unknown().optional(),
  cwd: z.string().default('/'),
})

/** Ports of this host, of no run, that commands add and take away; and the list of all exports. */
export function exportRoutes(host: SessionHost): Routes {
  return {
    'GET /v1/exports': async () => ({ exports: (await host.ready).exports.list() }),
    'POST /v1/exports': async ({ request }) => {
      const { settings, cwd, ...target } = await readBody(ExportRequest, request)
      const exporter = await exporterFor(host, settings, cwd)
      const outcome = await exporter.add(target)
      if (!outcome.ok) throw new Problem(409, outcome.code, outcome.reason)
      return new Answer(201, { export: outcome.export })
    },
    'DELETE /v1/exports/*': async ({ request, parameter }) => {
      const { searchParams } = new URL(request.url ?? '', 'http://tailproxy')
      const port = Port.safeParse(Number(parameter))
      if (!port.success) throw new Problem(400, 'invalid', `"${parameter}" is no port`)
      const network = Network.safeParse(searchParams.get('network') ?? undefined)
      if (!network.success) throw new Problem(400, 'invalid', '"network" has to be tcp or udp')
      if (await (await host.ready).exports.remove(port.data, network.data)) return new Answer(204)
      const name = describePort({ port: port.data, network: network.data })
      throw new Problem(404, 'not-found', `${name} is not exported`)
    },
  }
}

/** With settings of its own an export has filters and limits of its own. */
async function exporterFor(host: SessionHost, given: unknown, cwd: string): Promise<Exporter> {
  const session = await host.ready
  const own = given === undefined ? host.options.resolved : await understand(host, given)
  const { values } = own
  const options = exportOptionsOf(values)
  const { exportAllowPorts, exportDenyPorts, exportUsers, exportTags } = values
  const lists = [exportAllowPorts, exportDenyPorts, exportUsers, exportTags]
  const key = JSON.stringify([options, lists, values.filters, cwd])
  const existing = session.exports.ofHostBy(key)
  if (existing) return existing
  const filters = await filtersOf(own, { cwd, onFailure: (said) => host.say(said) })
  return session.exports.ofHost({ ...options, showPeers: false }, filters, key)
}
