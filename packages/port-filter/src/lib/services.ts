/**
 * A service's port by its name.
 *
 * @returns undefined for a name it does not know, which the built-in names are then tried for
 */
export type ServiceLookup = (name: string) => number | undefined

/**
 * Names as the IANA has registered them, and the two aliases that Debian's /etc/services is used
 * for most. That file is not read: minimal containers have none, and a list of ports must not mean
 * something else on another host (docs/decisions/008-filters.md).
 */
const SERVICES: ReadonlyMap<string, number> = new Map([
  ['amqp', 5672],
  ['amqps', 5671],
  ['domain', 53],
  ['epmd', 4369],
  ['etcd-client', 2379],
  ['etcd-server', 2380],
  ['ftp', 21],
  ['git', 9418],
  ['http', 80],
  ['http-alt', 8080],
  ['https', 443],
  ['imap', 143],
  ['imaps', 993],
  ['ircs-u', 6697],
  ['kerberos', 88],
  ['ldap', 389],
  ['ldaps', 636],
  ['memcache', 11_211],
  ['mongodb', 27_017],
  ['mqtt', 1883],
  ['ms-sql-s', 1433],
  ['ms-wbt-server', 3389],
  ['mysql', 3306],
  ['nfs', 2049],
  ['ntp', 123],
  ['openvpn', 1194],
  ['pop3', 110],
  ['pop3s', 995],
  ['postgres', 5432],
  ['postgresql', 5432],
  ['redis', 6379],
  ['rfb', 5900],
  ['rsync', 873],
  ['secure-mqtt', 8883],
  ['sip', 5060],
  ['sips', 5061],
  ['smtp', 25],
  ['snmp', 161],
  ['socks', 1080],
  ['ssh', 22],
  ['submission', 587],
  ['submissions', 465],
  ['svn', 3690],
  ['telnet', 23],
  ['www', 80],
  ['xmpp-client', 5222],
  ['xmpp-server', 5269],
])

/** Names are compared without regard to case (RFC 6335 section 5.1). */
export function portOfService(name: string): number | undefined {
  return SERVICES.get(name.toLowerCase())
}

export function serviceNames(): Iterable<string> {
  return SERVICES.keys()
}
