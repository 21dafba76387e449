import { once } from 'node:events'
import { createServer } from 'node:http'
import { SessionStartError } from './errors.ts'
import type { RouteServer } from './http-routes.ts'
import { METRICS_TYPE } from './metrics-text.ts'

/** What a scraper may call this host. A web page that has a name of its own lead here uses that. */
const OURS = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/

/**
 * Serves metrics on loopback, where every user of this host can read them.
 *
 * @param address as `127.0.0.1:9090`
 * @throws {SessionStartError} when the port cannot be had
 */
export async function serveMetrics(
  address: string,
  text: () => Promise<string>,
): Promise<RouteServer> {
  const server = createServer((request, response) => {
    response.on('error', () => {})
    const [path] = request.url?.split('?', 1) ?? []
    if (!OURS.test(request.headers.host ?? '')) response.writeHead(421).end()
    else if (path !== '/metrics') response.writeHead(404).end('see /metrics\n')
    else if (request.method !== 'GET') response.writeHead(405, { allow: 'GET' }).end()
    else {
      void text().then(
        (body) => response.writeHead(200, { 'content-type': METRICS_TYPE }).end(body),
        () => response.writeHead(500).end(),
      )
    }
  })
  const { hostname, port } = new URL(`http://${address}`)
  try {
    // A URL has no port where that is the default one.
    server.listen(Number(port || 80), hostname.replace(/^\[|\]$/g, ''))
    await once(server, 'listening')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const message = `cannot serve metrics on ${address}: ${why}; choose another port with --metrics`
    throw new SessionStartError('busy', message, { cause })
  }
  return {
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
