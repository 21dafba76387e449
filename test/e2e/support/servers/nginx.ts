import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** The words that run nginx with two workers in `directory`, which answers with the address of who asks. */
export function nginxCommand(directory: string, port: number): string[] {
  const file = (name: string) => path.join(directory, name)
  mkdirSync(file('temp'), { recursive: true })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    file('nginx.conf'),
    `daemon off;
worker_processes 2;
pid ${file('nginx.pid')};
error_log stderr error;
events { worker_connections 64; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${file(`temp/${name}`)};`).join('\n  ')}
  server {
    listen ${port};
    listen [::]:${port} ipv6only=on;
    location / { return 200 "$remote_addr $pid"; }
  }
}
`,
  )
  return ['nginx', '-p', directory, '-c', file('nginx.conf'), '-e', 'stderr']
}
