import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { endianness } from 'node:os'

const ANY = /^0+$/
/** ::ffff:0:0/96 as /proc/net/udp6 spells it. */
const MAPPED = hexOf([...new Array<number>(10).fill(0), 0xff, 0xff])

/**
 * Whether some socket of this host is bound to what is sent to an address. It is looked up and not tried:
 * a program would take a datagram of ours for a request. `undefined` when the kernel does not tell.
 */
export function isUdpBound(address: string, port: number): boolean | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const isOnPort = ([, boundPort]: readonly string[]) => boundPort === wanted
  try {
    const six = readSockets('/proc/net/udp6').filter(isOnPort)
    if (!isIPv4(address)) {
      const own = hexOf(ipv6Bytes(address))
      return six.some(([bound = '']) => ANY.test(bound) || bound === own)
    }
    const own = hexOf(address.split('.').map(Number))
    const four = readSockets('/proc/net/udp').filter(isOnPort)
    // A socket of IPv6 may take IPv4 as well, which is not told here.
    return [...four, ...six].some(
      ([bound = '']) => ANY.test(bound) || bound === own || bound === `${MAPPED}${own}`,
    )
  } catch {
    return undefined
  }
}

/** The local addresses and ports, in the kernel's hexadecimal. */
function readSockets(path: string): string[][] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    // A kernel without IPv6.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines = text.trim().split('\n').slice(1)
  return lines.map((line) => line.trim().split(/\s+/)[1]?.split(':') ?? [])
}

/** proc_pid_net(5): words of four bytes, each in the order of the host. */
function hexOf(bytes: readonly number[]): string {
  const words: number[][] = []
  for (let at = 0; at < bytes.length; at += 4) words.push(bytes.slice(at, at + 4))
  const ordered = endianness() === 'LE' ? words.map((word) => word.reverse()) : words
  return ordered
    .flat()
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
    .join('')
}

function ipv6Bytes(address: string): number[] {
  // The one spelling that has no dotted quad, of any.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [start, end] = [groups(head), groups(tail ?? '')]
  const zeros = new Array<string>(8 - start.length - end.length).fill('0')
  return [...start, ...zeros, ...end].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}
