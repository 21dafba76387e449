import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** Serves the repositories in `directory` by git's own CGI program, the "smart" protocol. */
export async function serveGitHttp(directory: string): Promise<Server> {
  const server = createServer((request, response) => answer(directory, request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** One CGI request (RFC 3875). */
function answer(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => response.destroy())
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.once('close', () => {
    const whole = Buffer.concat(output)
    const end = whole.indexOf('\r\n\r\n')
    const headers = Object.fromEntries(
      whole
        .toString('latin1', 0, end)
        .split('\r\n')
        .map((line) => line.split(': ', 2)),
    )
    const { Status: status = '200', ...others } = headers
    response.writeHead(Number.parseInt(status, 10), others).end(whole.subarray(end + 4))
  })
}
