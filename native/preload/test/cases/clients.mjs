// Programs that others have written, each with its own way to connect.
import { equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { dialServer } from '../lib/dial-server.mjs'
import { environmentFor, start } from '../lib/program.mjs'
import { CREDENTIAL, credentialEnvironment, socksServer } from '../lib/servers.mjs'
import { missingCommand } from '../lib/toolchain.mjs'
import { testWaysOnce } from '../lib/world.mjs'

const names = { hello: ['100.64.0.1', 'fd7a:115c:a1e0::1'] }

/** A web server that is `hello:80` on the tailnet. */
async function world(context, way) {
  const web = http.createServer((request, response) =>
    response.end(`this is ${request.headers.host}\n`),
  )
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  context.defer(() => {
    web.closeAllConnections()
    return new Promise((resolve) => web.close(resolve))
  })
  if (way === 'dial socket') {
    const hosts = { '*:80': `127.0.0.1:${web.address().port}` }
    const dial = await dialServer(context, { names, hosts, failures: { '*:81': 'refused' } })
    return { env: dial.env }
  }
  const routes = { 'hello:80': web.address().port }
  for (const address of names.hello) routes[`${address}:80`] = web.address().port
  const socks = await socksServer(context, { names, routes, ...CREDENTIAL })
  return { socks, env: environmentFor(socks, credentialEnvironment) }
}

function testClient(name, command, args, check) {
  const run = async (context, way) => {
    const { env } = await world(context, way)
    check(await start(context, command, args, env).ended)
  }
  testWaysOnce(name, run, { needs: missingCommand(command) })
}

const saysHello = ({ status, stdout, stderr }) => {
  equal(status, 0, stderr)
  equal(stdout, 'this is hello\n')
}

testClient('curl', 'curl', ['-sS', 'http://hello/'], saysHello)
testClient('curl over IPv6', 'curl', ['-sS6', 'http://hello/'], saysHello)
testClient('curl with Fast Open', 'curl', ['-sS', '--tcp-fastopen', 'http://hello/'], saysHello)
testClient('curl to a closed port', 'curl', ['-sS', 'http://hello:81/'], ({ status }) =>
  equal(status, 7),
)
testClient('curl to no such name', 'curl', ['-sS', 'http://nobody/'], ({ status }) =>
  equal(status, 6),
)
testClient('wget', 'wget', ['-qO-', '-T10', 'http://hello/'], saysHello)
testClient('git', 'git', ['ls-remote', 'http://hello/none.git'], ({ status, stderr }) => {
  equal(status, 128)
  match(stderr, /hello\/none\.git/)
  match(stderr, /not found|not valid|is this a git repository/)
})

const PYTHON = `
import asyncio, socket, urllib.request
print(urllib.request.urlopen('http://hello/', timeout=10).read().decode(), end='')
async def main():
    async def one():
        reader, writer = await asyncio.open_connection('hello', 80)
        peer = writer.get_extra_info('peername')[0]
        writer.write(b'GET / HTTP/1.0\\r\\nHost: many\\r\\n\\r\\n')
        end = (await reader.read())[-13:].decode()
        writer.close()
        return peer + ' ' + end
    print(set(await asyncio.gather(*[one() for _ in range(20)])))
asyncio.run(main())
try:
    socket.create_connection(('hello', 81), timeout=5)
except ConnectionRefusedError as error:
    print('refused')
`
testClient('Python, blocking and asyncio', 'python3', ['-c', PYTHON], ({ stdout, stderr }) => {
  equal(stdout, "this is hello\n{'100.64.0.1 this is many\\n'}\nrefused\n", stderr)
})

const NODE = `
const net = require('node:net')
Promise.all(Array.from({ length: 20 }, () => fetch('http://hello/').then((r) => r.text())))
  .then((all) => {
    console.log(new Set(all).size, all[0].trim())
    net.connect(81, 'hello').on('error', (error) => console.log(error.errors?.[0].code ?? error.code))
  })
`
testClient('Node', process.execPath, ['-e', NODE], ({ stdout, stderr }) => {
  equal(stdout, '1 this is hello\nECONNREFUSED\n', stderr)
})

const JAVA = `
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
public class Client {
  public static void main(String[] args) throws Exception {
    for (InetAddress address : InetAddress.getAllByName("hello")) {
      Socket socket = new Socket();
      socket.connect(new InetSocketAddress(address, 80), 5000);
      System.out.println(((InetSocketAddress) socket.getRemoteSocketAddress()).getAddress().getHostAddress());
      socket.getOutputStream().write("GET / HTTP/1.0\\r\\nHost: java\\r\\n\\r\\n".getBytes());
      System.out.println(new String(socket.getInputStream().readAllBytes()).endsWith("this is java\\n"));
    }
    SocketChannel channel = SocketChannel.open();
    channel.configureBlocking(false);
    if (!channel.connect(new InetSocketAddress("hello", 80)))
      while (!channel.finishConnect()) Thread.sleep(1);
    System.out.println(channel.getRemoteAddress());
    try {
      new Socket("hello", 81);
    } catch (ConnectException error) {
      System.out.println("refused");
    }
  }
}
`
testWaysOnce(
  'Java, blocking, with a time limit, and NIO',
  async (context, way) => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-java-'))
    context.defer(() => rm(directory, { recursive: true }))
    const source = path.join(directory, 'Client.java')
    await writeFile(source, JAVA)
    const { env } = await world(context, way)
    const args = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', source]
    const { stdout, stderr } = await start(context, 'java', args, env).ended
    equal(
      stdout,
      '100.64.0.1\ntrue\nfd7a:115c:a1e0:0:0:0:0:1\ntrue\nhello/100.64.0.1:80\nrefused\n',
      stderr,
    )
  },
  { needs: missingCommand('java', '-version') },
)
