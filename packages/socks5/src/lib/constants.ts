/** The first octet of each message but those of RFC 1929 and UDP datagrams. */
export const VERSION = 5

/** The first octet of the messages of RFC 1929, whose negotiation has a version of its own. */
export const AUTHENTICATION_VERSION = 1

/** Authentication methods of RFC 1928 section 3 that this package knows. */
export const Method = {
  noAuthentication: 0x00,
  usernamePassword: 0x02,
  noneAcceptable: 0xff,
} as const

/** RFC 1928 section 4, and Tor's two extensions (socks-extensions.txt section 2). */
export const Command = {
  connect: 0x01,
  bind: 0x02,
  'udp-associate': 0x03,
  resolve: 0xf0,
  'resolve-ptr': 0xf1,
} as const
export type Command = keyof typeof Command
