// undici and its fetch into a tailnet: node fetch.js http://hello/
import { connect } from '@tailproxy/session'
import { Agent, fetch } from 'undici'

const [url = 'http://hello/'] = process.argv.slice(2)
const tailnet = await connect({
  hostname: 'example-fetch',
  authKey: process.env.TAILPROXY_AUTHKEY,
  controlUrl: process.env.TAILPROXY_CONTROL_URL,
  ephemeral: true,
})
const dispatcher = new Agent({ connect: tailnet.connector() })
try {
  const response = await fetch(url, { dispatcher })
  console.log(response.status, await response.text())
} catch (error) {
  // What the tailnet said is behind fetch's own error: ERR_DIAL_NO_SUCH_HOST, for one.
  const { cause } = /** @type {Error} */ (error)
  console.error(cause instanceof Error ? cause.message : error)
  process.exitCode = 1
} finally {
  await dispatcher.close()
  await tailnet.close()
}
