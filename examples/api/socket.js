// A socket into a tailnet: node socket.js hello 7
import { connect } from '@tailproxy/session'

const [host = 'hello', port = '7'] = process.argv.slice(2)
const tailnet = await connect({
  hostname: 'example-socket',
  authKey: process.env.TAILPROXY_AUTHKEY,
  controlUrl: process.env.TAILPROXY_CONTROL_URL,
  ephemeral: true,
})
try {
  const socket = await tailnet.dial({ host, port: Number(port) })
  socket.end(`${tailnet.node.hostname} was here\n`)
  for await (const bytes of socket) process.stdout.write(bytes)
} finally {
  await tailnet.close()
}
