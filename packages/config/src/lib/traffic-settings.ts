import { fromList, text, whole } from './from-text.ts'
import { onOff, type Setting } from './setting.ts'

/** What becomes of datagrams. */
type Udp = 'proxy' | 'block' | 'direct'

/** Where a program's traffic goes. */
export const trafficSettings = {
  exitNode: {
    flag: 'exit-node',
    variables: ['TAILPROXY_EXIT_NODE'],
    key: 'exit_node',
    fromText: fromList,
    default: [] as string[],
    allowed: 'names, addresses or ids of nodes as berlin,auto, the first that is up; "" for none',
    placeholder: 'NODE,…',
    help: 'exit node, or several to fall back on (or auto)',
    guarded: {
      why: 'would take your exit node away',
      // Whatever a file may hold: that it is one or several names is checked later.
      unless: (value) =>
        [value].flat().some((node) => typeof node === 'string' && fromList(node).length > 0),
    },
    group: 'traffic',
    scope: 'session',
  } satisfies Setting<string[]>,
  exitNodeLanAccess: {
    ...onOff,
    flag: 'exit-node-allow-lan-access',
    variables: ['TAILPROXY_EXIT_NODE_ALLOW_LAN_ACCESS'],
    key: 'exit_node_allow_lan_access',
    help: 'reach the local network past the exit node',
    guarded: { why: 'would let traffic past your exit node', unless: (value) => value === false },
    isDetail: true,
    group: 'traffic',
    scope: 'session',
  } satisfies Setting<boolean>,
  port: {
    flag: 'port',
    variables: ['TAILPROXY_SOCKS_PORT'],
    key: 'proxy_port',
    fromText: whole,
    default: 0,
    allowed: 'a port from 1 to 65535, or 0 to let the kernel choose',
    placeholder: 'PORT',
    help: 'port of the SOCKS5 server (default: a free one)',
    group: 'traffic',
    scope: 'session',
  } satisfies Setting<number>,
  bypass: {
    flag: 'bypass',
    variables: ['TAILPROXY_BYPASS'],
    key: 'bypass',
    fromText: fromList,
    isList: true,
    default: [] as string[],
    allowed: 'addresses or prefixes as 192.0.2.0/24,2001:db8::/32',
    placeholder: 'CIDR,…',
    help: 'destinations to leave alone',
    guarded: { why: 'would let traffic past the tailnet and your exit node' },
    group: 'traffic',
    scope: 'run',
  } satisfies Setting<string[]>,
  onlyTailnet: {
    ...onOff,
    flag: 'only-tailnet',
    variables: ['TAILPROXY_ONLY_TAILNET'],
    key: 'only_tailnet',
    help: 'refuse whatever is not on the tailnet',
    guarded: {
      why: 'would let traffic past the tailnet and your exit node',
      unless: (value) => value === true,
    },
    group: 'traffic',
    scope: 'run',
  } satisfies Setting<boolean>,
  udp: {
    flag: 'udp',
    variables: ['TAILPROXY_UDP'],
    key: 'udp',
    fromText: text,
    default: 'proxy' as Udp,
    allowed: 'proxy, block or direct',
    placeholder: 'HOW',
    help: 'datagrams: proxy (carry them), block or direct',
    guarded: {
      why: 'would let traffic past the tailnet and your exit node',
      unless: (value) => value !== 'direct',
    },
    group: 'traffic',
    scope: 'run',
  } satisfies Setting<Udp>,
  allowUnwrapped: {
    ...onOff,
    flag: 'allow-unwrapped',
    variables: ['TAILPROXY_ALLOW_UNWRAPPED'],
    key: 'allow_unwrapped',
    help: 'run a static or set-uid program too, uncaptured',
    guarded: {
      why: 'would let traffic past the tailnet and your exit node',
      unless: (value) => value === false,
    },
    group: 'traffic',
    scope: 'run',
  } satisfies Setting<boolean>,
}
