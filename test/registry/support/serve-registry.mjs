// An npm registry on a free port of loopback, which knows no other: what is not published here is nowhere.
// Usage: node serve-registry.mjs DIRECTORY; prints its address, and ends with its standard input.
import path from 'node:path'
import process from 'node:process'
import { runServer } from 'verdaccio'

const [directory] = process.argv.slice(2)
const server = await runServer({
  self_path: directory,
  storage: path.join(directory, 'storage'),
  uplinks: {},
  auth: { htpasswd: { file: path.join(directory, 'htpasswd'), max_users: -1 } },
  packages: { '**': { access: '$all', publish: '$all' } },
  log: { type: 'stdout', format: 'json', level: 'fatal' },
  max_body_size: '100mb',
  web: { enable: false },
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))
process.stdin.resume().on('end', () => process.exit())
