// A DNS server of a few records, over UDP and TCP, that remembers what it was asked.
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'

const TYPES = { A: 1, CNAME: 5, PTR: 12, AAAA: 28 }
const NAME_AT_12 = [0xc0, 12]

function readQuestion(message) {
  const labels = []
  let at = 12
  while (message[at] > 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]))
    at += message[at] + 1
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: message.readUInt16BE(at + 1),
    bytes: message.subarray(12, at + 5),
  }
}

const encodeName = (name) =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.of(0),
  ])

function encodeAddress(address) {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [head, tail = ''] = address.split('::')
  const groups = (text) => text.split(':').filter(Boolean)
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill('0')
  const all = [...groups(head), ...zeros, ...groups(tail)]
  return Buffer.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  )
}

const reverseName = (address) => `${address.split('.').reverse().join('.')}.in-addr.arpa`

/** The form of tailproxy-loopback's settings: `names`, `canonical`, `reverse`. Anything else does not exist. */
function answer(message, { names, canonical, reverse }) {
  const { name, type, bytes } = readQuestion(message)
  const target = canonical[name] ?? name
  const owner = target === name ? Buffer.from(NAME_AT_12) : encodeName(target)
  const records = []
  const add = (from, kind, data) => {
    const head = Buffer.from([0, kind, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255])
    records.push(Buffer.concat([from, head, data]))
  }
  const pointer = Object.entries(reverse).find(([address]) => reverseName(address) === name)
  if (target !== name) add(Buffer.from(NAME_AT_12), TYPES.CNAME, encodeName(target))
  for (const address of names[target] ?? []) {
    if (type === (address.includes(':') ? TYPES.AAAA : TYPES.A))
      add(owner, type, encodeAddress(address))
  }
  if (pointer && type === TYPES.PTR) add(owner, type, encodeName(pointer[1][0]))
  const head = Buffer.alloc(12)
  message.copy(head, 0, 0, 2)
  head.writeUInt16BE(names[target] || pointer ? 0x8180 : 0x8183, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  return Buffer.concat([head, bytes, ...records])
}

export async function dnsServer(host, port, records) {
  const asked = []
  const handle = (message) => {
    asked.push(readQuestion(message).name)
    return answer(message, records)
  }
  const udp = dgram.createSocket('udp4')
  udp.on('message', (message, { address, port: back }) => {
    const reply = handle(message)
    // RFC 1035 §4.2.1: at most 512 bytes, and TC.
    if (reply.length > 512) reply[2] |= 2
    udp.send(reply.subarray(0, 512), back, address)
  })
  udp.bind(port, host)
  await once(udp, 'listening')
  const tcp = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const reply = handle(bytes.subarray(2))
      socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]))
    })
  })
  tcp.listen(port, host)
  await once(tcp, 'listening')
  return {
    asked,
    close: () => Promise.all([udp, tcp].map((server) => new Promise((done) => server.close(done)))),
  }
}
