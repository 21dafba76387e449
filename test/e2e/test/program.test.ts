import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { connect, type Tailnet } from '@tailproxy/session'
import { getBoundAddress } from '@tailproxy/socks5/client'
import { Agent } from 'undici'
import { afterAll, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test as base } from '../support/tailnet.ts'

interface SecureServer {
  /** The host of the tailnet that serves it, at port 443. */
  name: string
  certificate: string
}

const test = base.extend<{ program: Tailnet; secure: SecureServer }>({
  program: [
    async ({ tailnet }, use) => {
      const { controlUrl } = tailnet.lab.info
      const program = await connect({ hostname: 'program', controlUrl, ephemeral: true })
      await use(program)
      await program.close()
    },
    { scope: 'file' },
  ],
  secure: [
    async ({ tailnet }, use) => {
      const { certificate, key } = certify('vault')
      const server = https.createServer({ cert: certificate, key }, (request, response) => {
        response.end(`${(request.socket as TLSSocket & { servername: string }).servername}`)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      await tailnet.lab.addNode('vault', [{ port: 443, target: `127.0.0.1:${port}` }])
      await use({ name: 'vault', certificate })
      server.closeAllConnections()
      server.close()
    },
    { scope: 'file' },
  ],
})

const scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-program-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** A certificate of its own making, for a host of one name. */
function certify(name: string): { certificate: string; key: string } {
  const [key, certificate] = [path.join(scratch, 'key.pem'), path.join(scratch, 'cert.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  const args = ['req', '-x509', '-days', '2', ...kind, ...subject]
  execFileSync('openssl', [...args, '-keyout', key, '-out', certificate], { stdio: 'pipe' })
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}

function get(url: string, agent: http.Agent): Promise<http.IncomingMessage> {
  const { request } = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    request(url, { agent }, resolve).once('error', reject).end()
  })
}

test('a program is a node of its own, and dials others', async ({ tailnet, program }) => {
  expect(program.node.name).toMatch(/^program\./)
  for (const host of ['hello', tailnet.hello.name, tailnet.hello.ipv4, `[${tailnet.hello.ipv6}]`]) {
    const socket = await program.dial({ host, port: 7 })
    expect(program.node.addresses).toContain(getBoundAddress(socket)?.host)
    socket.end('to and fro')
    expect(await text(socket)).toBe('to and fro')
  }
})

test('a dial fails with the reason that the tailnet has', async ({ tailnet, program }) => {
  const { ipv4 } = tailnet.hello
  const failures: [string, number, string, number][] = [
    [ipv4, 1, 'ERR_DIAL_REFUSED', 5],
    ['nobody', 80, 'ERR_DIAL_NO_SUCH_HOST', 4],
    ['100.64.200.200', 80, 'ERR_DIAL_NO_ROUTE', 3],
    ['192.0.2.1', 80, 'ERR_DIAL_DENIED', 2],
    ['127.0.0.1', 80, 'ERR_DIAL_DENIED', 2],
  ]
  for (const [host, port, code, replyCode] of failures) {
    await expect(program.dial({ host, port })).rejects.toMatchObject({ code, replyCode })
  }
})

test('a node that is away is waited for as long as was said', async ({ tailnet, program }) => {
  const { addresses } = await tailnet.lab.addNode('away')
  await tailnet.lab.removeNode('away')
  const dial = program.dial({ host: addresses[0] ?? '', port: 80, timeout: 300 })
  await expect(dial).rejects.toMatchObject({ code: 'ERR_DIAL_TIMED_OUT' })
})

test('http goes by its agent, over one connection', async ({ program }) => {
  const agent = program.agent({ keepAlive: true, maxSockets: 1 })
  const sockets = new Set<unknown>()
  for (let time = 0; time < 3; time += 1) {
    const response = await get('http://hello/', agent)
    sockets.add(response.socket)
    expect(response.statusCode).toBe(200)
    await text(response)
  }
  expect(sockets.size).toBe(1)
  agent.destroy()
})

const openssl = { skip: lacks('openssl') }

test(
  named('https goes by its agent, which checks the name', 'openssl'),
  openssl,
  async ({ program, secure }) => {
    const agent = program.httpsAgent({ ca: secure.certificate })
    expect(await text(await get(`https://${secure.name}/`, agent))).toBe('vault')
    const untrusting = get(`https://${secure.name}/`, program.httpsAgent())
    await expect(untrusting).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const [ipv4 = ''] = (await program.session.sidecar().then((sidecar) => sidecar.peers()))
      .filter(({ name }) => name.startsWith('vault.'))
      .flatMap(({ addresses }) => addresses)
    await expect(get(`https://${ipv4}/`, agent)).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  },
)

test(
  named('fetch goes by a dispatcher, with and without TLS', 'openssl'),
  openssl,
  async ({ program, secure }) => {
    const dispatcher = new Agent({ connect: program.connector({ ca: secure.certificate }) })
    const init: object = { dispatcher }
    expect(await (await fetch(`https://${secure.name}/`, init)).text()).toBe('vault')
    expect((await fetch('http://hello/', init)).status).toBe(200)
    await dispatcher.close()
    const untrusting: object = { dispatcher: new Agent({ connect: program.connector() }) }
    await expect(fetch(`https://${secure.name}/`, untrusting)).rejects.toMatchObject({
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    })
  },
)

test('what is outside the tailnet is reached through an exit node alone', async ({ tailnet }) => {
  const { controlUrl } = tailnet.lab.info
  await using program = await connect({
    hostname: 'traveller',
    controlUrl,
    ephemeral: true,
    exitNode: 'exit',
  })
  // The lab's exit node serves TEST-NET-2 (RFC 5737), which is nowhere else.
  const response = await get('http://198.51.100.1/', program.agent())
  expect(response.statusCode).toBe(200)
  response.resume()
})
