import { writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Of MagicDNS. */
export const DOMAIN = 'headscale.test'

/** Who has this tag is an exit node as soon as it offers itself. */
export const EXIT_TAG = 'tag:exit'
/** Its user may give it to a node. */
export const OWN_TAG = 'tag:ci'

/** What headscale reads: everything on loopback and in `directory`, and nothing asked of the internet. */
export function settingsFor(directory: string, port: number): object {
  return {
    server_url: `http://127.0.0.1:${port}`,
    listen_addr: `127.0.0.1:${port}`,
    metrics_listen_addr: '127.0.0.1:0',
    grpc_listen_addr: '127.0.0.1:0',
    unix_socket: path.join(directory, 'headscale.sock'),
    noise: { private_key_path: path.join(directory, 'noise.key') },
    prefixes: { v4: '100.64.0.0/10', v6: 'fd7a:115c:a1e0::/48' },
    derp: {
      server: { enabled: false },
      urls: [],
      paths: [path.join(directory, 'derp.yaml')],
      auto_update_enabled: false,
    },
    disable_check_updates: true,
    database: { type: 'sqlite', sqlite: { path: path.join(directory, 'db.sqlite') } },
    policy: { mode: 'file', path: path.join(directory, 'policy.json') },
    dns: { magic_dns: true, base_domain: DOMAIN, override_local_dns: false },
    log: { level: 'info' },
  }
}

export async function writePolicy(directory: string): Promise<void> {
  const policy = {
    tagOwners: { [EXIT_TAG]: [], [OWN_TAG]: ['alice@'], 'tag:other': [] },
    autoApprovers: { exitNode: [EXIT_TAG] },
    acls: [{ action: 'accept', src: ['*'], dst: ['*:*'] }],
  }
  await writeFile(path.join(directory, 'policy.json'), JSON.stringify(policy))
}
