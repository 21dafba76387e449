// A client through it: node socks5-client.js socks5h://127.0.0.1:1080 http://example.com/
import http from 'node:http'
import { connectSocks5 } from '@tailproxy/socks5/client'

const [proxy, url] = process.argv.slice(2).map((word) => new URL(word))
if (!proxy || !url) throw new Error('usage: node socks5-client.js PROXY URL')
const socket = await connectSocks5({
  proxy: { host: proxy.hostname, port: Number(proxy.port) },
  destination: { host: url.hostname, port: Number(url.port || 80) },
})
http.get(url, { createConnection: () => socket }, (response) => response.pipe(process.stdout))
