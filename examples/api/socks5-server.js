// A SOCKS5 server: node socks5-server.js, then curl --proxy socks5h://127.0.0.1:1080 http://example.com/
import { createSocks5Server } from '@tailproxy/socks5/server'

const server = createSocks5Server({
  rules: ({ destination: { port } }) =>
    port === 25 ? { allow: false, reason: 'no mail' } : { allow: true },
})
server.on('client:failed', (_, error) => console.error(String(error)))
const { host, port } = await server.listen({ port: Number(process.env.PORT ?? 1080) })
console.log(`socks5h://${host}:${port}`)
process.once('SIGTERM', () => server.close())
