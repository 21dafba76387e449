import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FakeSidecarBehaviour } from '@tailproxy/sidecar/fake'
import { describe, expect } from 'vitest'
import { hostTest as test } from '../testing/session.ts'
import type { SessionHost } from './session-host.ts'

const FAMILY = /^# HELP (\w+) (.+)\n# TYPE (\w+) (counter|gauge|histogram)\n((?:[^#].*\n)+)/
const SAMPLE = /^(\w+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?[\d.]+(?:e[+-]\d+)?)$/

interface Family {
  kind: string
  samples: { name: string; labels: string; value: number }[]
}

/** Reads the text format 0.0.4, and nothing that is not of it. */
function parse(said: string): Map<string, Family> {
  const families = new Map<string, Family>()
  let rest = said
  while (rest !== '') {
    const [all = '', name = '', help = '', typed, kind = '', lines = ''] = FAMILY.exec(rest) ?? []
    expect({ all: all.length > 0, typed, twice: families.has(name) }).toEqual({
      ...{ all: true, typed: name, twice: false },
    })
    expect(help).toMatch(/\.$/)
    const samples = lines
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, sample = '', labels = '', value] = SAMPLE.exec(line) ?? []
        expect(sample, line).not.toBe('')
        return { name: sample, labels, value: Number(value) }
      })
    families.set(name, { kind, samples })
    rest = rest.slice(all.length)
  }
  return families
}

async function get(options: object): Promise<IncomingMessage & { body: string }> {
  const asked = request({ agent: false, ...options })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return Object.assign(response, { body: await text(response) })
}

/** Of a node that is up. */
const metricsOf = async ({ socketPath, ready }: SessionHost): Promise<Map<string, Family>> => {
  await ready
  return parse((await get({ socketPath, path: '/metrics' })).body)
}

const peers: FakeSidecarBehaviour['peers'] = [
  {
    ...{ id: 'n1', name: 'hello.fake.ts.net', addresses: ['100.64.0.1'], online: true },
    ...{ exitNodeOption: false, bytesUp: 7, connects: 2 },
    path: { kind: 'relay', relay: 'fra' },
  },
  {
    ...{ id: 'n2', name: 'odd"\\\n.fake.ts.net', addresses: ['100.64.0.2'], online: false },
    exitNodeOption: false,
  },
]

test('names each count by the conventions of Prometheus', async ({ host, echo }) => {
  const session = await host({ peers, exitNodes: [] })
  await (await session.ready).exports.ofHost().add({ port: Number(echo.split(':')[1]) })
  const families = await metricsOf(session)
  expect(families.size).toBeGreaterThan(15)
  for (const [name, { kind, samples }] of families) {
    expect(name).toMatch(/^tailproxy_[a-z]+(?:_[a-z]+)*$/)
    // https://prometheus.io/docs/practices/naming/: a total for what only grows, base units.
    expect(name.endsWith('_total')).toBe(kind === 'counter')
    expect(name).not.toMatch(/milli|micro|kilo|_ms(_|$)/)
    if (kind !== 'histogram') for (const each of samples) expect(each.name).toBe(name)
  }
})

test('has a histogram whose buckets grow up to the count', async ({ host }) => {
  const families = await metricsOf(await host({}))
  const { kind, samples } = families.get('tailproxy_connect_latency_seconds') as Family
  expect(kind).toBe('histogram')
  const buckets = samples.filter(({ name }) => name.endsWith('_bucket'))
  const values = buckets.map(({ value }) => value)
  expect([...values].sort((a, b) => a - b)).toEqual(values)
  expect(buckets.at(-1)?.labels).toBe('le="+Inf"')
  const [sum, count] = samples.slice(-2)
  expect([sum?.name, count?.name]).toEqual([
    'tailproxy_connect_latency_seconds_sum',
    'tailproxy_connect_latency_seconds_count',
  ])
  expect(count?.value).toBe(values.at(-1))
})

test('tells of peers by name, whatever is in one', async ({ host }) => {
  const families = await metricsOf(await host({ peers }))
  expect(families.get('tailproxy_peer_path')?.samples).toEqual([
    {
      ...{ name: 'tailproxy_peer_path', value: 1 },
      labels: 'peer="hello.fake.ts.net",path="relay",relay="fra"',
    },
    {
      ...{ name: 'tailproxy_peer_path', value: 1 },
      labels: 'peer="odd\\"\\\\\\n.fake.ts.net",path="none",relay=""',
    },
  ])
  expect(families.get('tailproxy_peer_online')?.samples.map(({ value }) => value)).toEqual([1, 0])
})

test('says so while the node is not up', async ({ host }) => {
  const session = await host({ states: ['needs-login'], neverStarts: true })
  const { body } = await get({ socketPath: session.socketPath, path: '/metrics' })
  const families = parse(body)
  expect(families.get('tailproxy_up')?.samples[0]?.value).toBe(0)
  expect(families.has('tailproxy_flows')).toBe(false)
})

describe('on loopback', () => {
  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    return port
  }

  test('serves them, to who calls this host by a name of its own', async ({ host }) => {
    const port = await freePort()
    const session = await host({}, { metrics: `127.0.0.1:${port}` })
    const at = { host: '127.0.0.1', port }
    const found = await get({ ...at, path: '/metrics' })
    expect(found.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(parse(found.body).has('tailproxy_up')).toBe(true)
    const statuses = await Promise.all([
      get({ ...at, path: '/metrics', headers: { host: `rebound.example:${port}` } }),
      get({ ...at, path: '/v1/status' }),
      get({ ...at, path: '/metrics', method: 'POST' }),
    ])
    expect(statuses.map(({ statusCode }) => statusCode)).toEqual([421, 404, 405])
    await session.close()
    await expect(get({ ...at, path: '/metrics' })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('does not start where the port is taken', async ({ host, echo }) => {
    await expect(host({}, { metrics: echo })).rejects.toMatchObject({
      code: 'ERR_SESSION_START',
      message: `cannot serve metrics on ${echo}: EADDRINUSE; choose another port with --metrics`,
    })
  })
})
