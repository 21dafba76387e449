// node:http into a tailnet: node http.js http://hello/
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { connect } from '@tailproxy/session'

const [url = 'http://hello/'] = process.argv.slice(2)
const tailnet = await connect({
  hostname: 'example-http',
  authKey: process.env.TAILPROXY_AUTHKEY,
  controlUrl: process.env.TAILPROXY_CONTROL_URL,
  ephemeral: true,
})
const agent = tailnet.agent({ keepAlive: true }) // and httpsAgent() for node:https
try {
  /** @type {http.IncomingMessage} */
  const response = await new Promise((resolve, reject) => {
    http.get(url, { agent }, resolve).once('error', reject)
  })
  console.log(response.statusCode, await text(response))
} finally {
  await tailnet.close()
}
