// vectors/board.json as arguments of the unit test: what is written, and what the readers must then find.
import { readFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { root } from './harness.mjs'

const file = path.join(root, 'vectors/board.json')

/** 'HOST:PORT' or '[HOST]:PORT' as two words. */
function place(text) {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(text)
  return [host, port]
}

const FAMILY = (host) => (net.isIPv6(host) ? '6' : '4')

function expectations(step) {
  const { do: done, cookie, errno, port, destination, flow } = step
  switch (done) {
    case 'setTarpits':
      return [step.tarpit4, step.tarpit6].flatMap((tarpit) => ['tarpit', ...place(tarpit)])
    case 'setRouting':
      return [
        ...step.routes.flatMap((route) => ['route', route.split('/')[0], '1']),
        ...step.resolvers.flatMap((resolver) => ['resolver', resolver, '1']),
        ...['route', '203.0.113.9', step.everything ? '1' : '0'],
        ...['resolver', '203.0.113.9', '0'],
      ]
    case 'setFailure':
      return ['failure', cookie, String(errno)]
    case 'clearFailure':
      return ['failure', cookie, '0']
    case 'setPeer':
      return ['peer', FAMILY(step.tarpit), String(port), cookie, ...place(destination)]
    case 'setFlow':
      return ['flow', cookie, ...place(flow), ...place(destination), '1']
    case 'clearFlow':
      return ['flow', cookie, ...place(flow), ...place(destination), '0']
    default:
      return []
  }
}

export function boardVectors() {
  return JSON.parse(readFileSync(file, 'utf8')).board.flatMap((step) => [
    ...step.pieces.flatMap(({ offset, hex }) => ['write', String(offset), hex]),
    ...expectations(step),
  ])
}
