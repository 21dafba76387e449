import { chmodSync, chownSync, lchownSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { describe, expect } from 'vitest'
import { asNobody, messageOf, test } from '../testing/home.ts'
import type { SettingSources } from './collect-settings.ts'
import { resolveSettings } from './resolve-settings.ts'
import { settingNames, settings } from './settings.ts'

test('takes the profile before the project, that before the user, and all of them behind the environment', async ({
  home,
}) => {
  const cwd = path.join(home.path, 'project')
  mkdirSync(cwd)
  const sources = { env: home.env, cwd }
  const hostname = async (more: SettingSources = {}) =>
    (await resolveSettings({ ...sources, ...more })).values.hostname
  expect(await hostname()).toBe('tailproxy')
  home.writeConfig('config.json', { hostname: 'of-user' })
  expect(await hostname()).toBe('of-user')
  home.write('project/.tailproxy.json', { hostname: 'of-project' })
  expect(await hostname()).toBe('of-project')
  home.writeConfig('profiles/work.json', { hostname: 'of-profile' })
  const env = { ...home.env, TAILPROXY_PROFILE: 'work' }
  expect(await hostname({ env })).toBe('of-profile')
  expect(await hostname({ env: { ...env, TAILPROXY_HOSTNAME: 'of-env' } })).toBe('of-env')
  expect(await hostname({ env, flags: { hostname: 'of-flag' } })).toBe('of-flag')
})

test('tells which file a value stands in', async ({ home }) => {
  const user = home.writeConfig('config.json', { profile: 'work' })
  const project = home.write('.tailproxy.json', { verbose: true })
  const profile = home.writeConfig('profiles/work.json', { hostname: 'laptop' })
  const { origins } = await resolveSettings({ env: home.env, cwd: home.path })
  expect(origins).toMatchObject({
    profile: { kind: 'file', role: 'user', path: user, key: 'profile' },
    verbose: { kind: 'file', role: 'project', path: project, key: 'verbose' },
    hostname: { kind: 'file', role: 'profile', path: profile, key: 'hostname' },
  })
})

test('finds the user file below XDG_CONFIG_HOME, unless that is relative', async ({ home }) => {
  home.write('xdg/tailproxy/config.json', { hostname: 'of-xdg' })
  home.writeConfig('config.json', { hostname: 'of-home' })
  const hostname = async (XDG_CONFIG_HOME: string) =>
    (await resolveSettings({ env: { ...home.env, XDG_CONFIG_HOME }, cwd: '/' })).values.hostname
  expect(await hostname(path.join(home.path, 'xdg'))).toBe('of-xdg')
  expect(await hostname('xdg')).toBe('of-home')
  expect(await hostname('')).toBe('of-home')
})

test('reads a file that is named in place of those of user and project, but beside the profile', async ({
  home,
}) => {
  home.writeConfig('config.json', { hostname: 'of-user' })
  home.write('.tailproxy.json', { hostname: 'of-project' })
  home.writeConfig('profiles/work.json', { verbose: true })
  const file = home.write('named.json', { profile: 'work' })
  for (const named of [{ file }, { env: { ...home.env, TAILPROXY_CONFIG: file } }]) {
    const { values } = await resolveSettings({ env: home.env, cwd: home.path, ...named })
    expect(values).toMatchObject({ hostname: 'tailproxy', verbose: true })
  }
  const file2 = path.join(home.path, 'no.json')
  expect(await messageOf(() => resolveSettings({ env: home.env, file: file2 }))).toContain(
    'there is no such file',
  )
})

test('finds a mistake in each file, whatever covers it', async ({ home }) => {
  home.writeConfig('config.json', { hostname: 7 })
  home.write('.tailproxy.json', { hostname: 'good' })
  const resolve = () =>
    resolveSettings({ env: home.env, cwd: home.path, flags: { hostname: 'laptop' } })
  expect(await messageOf(resolve)).toContain('config.json: "hostname" is 7; allowed is')
})

describe('a profile', () => {
  test('is the one of a flag before that of a variable, before that of the user file', async ({
    home,
  }) => {
    for (const name of ['a', 'b', 'c'])
      home.writeConfig(`profiles/${name}.json`, { hostname: name })
    home.writeConfig('config.json', { profile: 'a' })
    const env = { ...home.env, TAILPROXY_PROFILE: 'b' }
    const hostname = async (sources: SettingSources) =>
      (await resolveSettings({ cwd: '/', ...sources })).values.hostname
    expect(await hostname({ env: home.env })).toBe('a')
    expect(await hostname({ env })).toBe('b')
    expect(await hostname({ env, flags: { profile: 'c' } })).toBe('c')
    expect(await hostname({ env, flags: { profile: 'none' } })).toBe('tailproxy')
    expect(await hostname({ env, flags: { profile: '' } })).toBe('tailproxy')
  })

  test('that is not there is an error with the nearest name', async ({ home }) => {
    const message = () =>
      messageOf(() => resolveSettings({ env: home.env, cwd: '/', flags: { profile: 'wrok' } }))
    const file = path.join(home.path, '.config/tailproxy/profiles/wrok.json')
    const start = `--profile is "wrok", but there is no ${file}; `
    expect(await message()).toBe(`${start}there are no profiles yet: write that file to make one`)
    home.writeConfig('profiles/home.json', {})
    home.writeConfig('profiles/travel.json', {})
    expect(await message()).toBe(`${start}there are home, travel`)
    home.writeConfig('profiles/work.json', {})
    expect(await message()).toBe(`${start}did you mean "work"?`)
  })

  test.for(['../config', '.x', 'a/b', '', 7, 'none'])(
    'is never read by a name as %j',
    async (profile, { home }) => {
      home.writeConfig('config.json', { profile, hostname: 'laptop' })
      const resolve = () => resolveSettings({ env: home.env, cwd: '/' })
      if (profile === '') expect((await resolve()).values.hostname).toBe('laptop')
      else expect(await messageOf(resolve)).toContain('allowed is the name of a profile')
    },
  )

  test('names no other', async ({ home }) => {
    home.writeConfig('profiles/work.json', { profile: 'home' })
    const flags = { profile: 'work' }
    expect(await messageOf(() => resolveSettings({ env: home.env, cwd: '/', flags }))).toContain(
      'work.json: "profile" stands in the user file only; remove it',
    )
  })

  test('is not looked for, as no file is, when there is no looking', async ({ home }) => {
    home.writeConfig('config.json', { hostname: 'laptop' })
    const sources = { env: home.env, flags: { profile: 'wrok' }, discover: false }
    expect((await resolveSettings(sources)).values.hostname).toBe('tailproxy')
  })
})

describe('a project file', () => {
  const hostnameIn = async (env: NodeJS.ProcessEnv, cwd: string) =>
    (await resolveSettings({ env, cwd })).values.hostname

  test('is the nearest one above the working directory', async ({ home }) => {
    const cwd = path.join(home.path, 'a/b/c')
    mkdirSync(cwd, { recursive: true })
    home.write('a/.tailproxy.json', { hostname: 'far' })
    expect(await hostnameIn(home.env, cwd)).toBe('far')
    home.write('a/b/.tailproxy.json', { hostname: 'near' })
    expect(await hostnameIn(home.env, cwd)).toBe('near')
  })

  test('is not looked for above the home directory', async ({ home }) => {
    const cwd = path.join(home.path, 'me/a')
    mkdirSync(cwd, { recursive: true })
    home.write('.tailproxy.json', { hostname: 'above' })
    expect(await hostnameIn({ HOME: path.join(home.path, 'me') }, cwd)).toBe('tailproxy')
    symlinkSync('me', path.join(home.path, 'link'))
    expect(await hostnameIn({ HOME: path.join(home.path, 'link') }, cwd)).toBe('tailproxy')
    expect(await hostnameIn({ HOME: '/nonexistent' }, cwd)).toBe('above')
  })

  test('is not looked for above the root of a repository', async ({ home }) => {
    const cwd = path.join(home.path, 'repository/a')
    mkdirSync(cwd, { recursive: true })
    home.write('.tailproxy.json', { hostname: 'above' })
    home.write('repository/.git', 'gitdir: elsewhere')
    expect(await hostnameIn(home.env, cwd)).toBe('tailproxy')
    home.write('repository/.tailproxy.json', { hostname: 'of-repository' })
    expect(await hostnameIn(home.env, cwd)).toBe('of-repository')
  })

  test('is not looked for on another file system', async ({ home }) => {
    expect(await hostnameIn({ HOME: home.path }, '/proc/self')).toBe('tailproxy')
  })

  test('is refused when everybody can write it', async ({ home }) => {
    const file = home.write('.tailproxy.json', {})
    chmodSync(file, 0o666)
    expect(await messageOf(() => hostnameIn(home.env, home.path))).toBe(
      `${file} can be written by everybody, and is not read: chmod o-w it, or remove it, or name the file to read in its place with --config`,
    )
  })

  test('is refused when it is no file', async ({ home }) => {
    mkdirSync(path.join(home.path, '.tailproxy.json'))
    expect(await messageOf(() => hostnameIn(home.env, home.path))).toContain('no regular file')
  })

  test.skipIf(process.geteuid?.() !== 0)(
    'is refused when it is of another user, as a link of theirs is',
    async ({ home }) => {
      chmodSync(home.path, 0o755)
      const file = home.write('.tailproxy.json', { hostname: 'of-root' })
      expect(await asNobody(() => hostnameIn(home.env, home.path))).toBe('of-root')
      chownSync(file, 1234, 1234)
      const theirs = `${file} belongs to user 1234, not to us (0), and is not read; remove it, or name the file to read in its place with --config`
      expect(await messageOf(() => hostnameIn(home.env, home.path))).toBe(theirs)
      rmSync(file)
      symlinkSync(home.write('ours.json', {}), file)
      lchownSync(file, 1234, 1234)
      expect(await messageOf(() => hostnameIn(home.env, home.path))).toBe(theirs)
    },
  )

  test.for([
    [{ authkey: 'tskey-secret' }, 'would log this node in to a tailnet that is not yours'],
    [{ control_url: 'http://x/' }, 'would hand this node to a control server'],
    [{ state_dir: '/tmp/x' }, 'would say where keys are written'],
    [{ filters: ['./x.mjs'] }, 'names code that would run as you'],
    [{ profile: 'work' }, 'would choose who you are'],
    [{ advertise_tags: [] }, 'would change who this node is'],
    [{ ephemeral: true }, 'would log this node out'],
    [{ tailscale_logs: true }, 'would send logs away'],
    [{ metrics: '127.0.0.1:1' }, 'would show others on this host what you do'],
    [{ export_users: [] }, 'would say who reaches this host'],
    [{ bypass: ['0.0.0.0/0'] }, 'would let traffic past the tailnet'],
    [{ only_tailnet: false }, 'would let traffic past the tailnet'],
    [{ udp: 'direct' }, 'would let traffic past the tailnet'],
    [{ allow_unwrapped: true }, 'would let traffic past the tailnet'],
    [{ exit_node: '' }, 'would take your exit node away'],
    [{ exit_node: [] }, 'would take your exit node away'],
    [{ exit_node: ' , ' }, 'would take your exit node away'],
    [{ exit_node: ['', ' '] }, 'would take your exit node away'],
    [{ exit_node: { toString: null } }, 'would take your exit node away'],
    [{ exit_node_allow_lan_access: true }, 'would let traffic past your exit node'],
  ] as const)('may not say %j', async ([content, why], { home }) => {
    home.write('.tailproxy.json', content)
    const message = await messageOf(() => hostnameIn(home.env, home.path))
    expect(message).toContain(`"${Object.keys(content)[0]}" is not for a project file`)
    expect(message).toContain(why)
    expect(message).not.toContain('tskey')
  })

  test('may say what takes nothing away', async ({ home }) => {
    const content = {
      exit_node: 'berlin',
      only_tailnet: true,
      udp: 'block',
      allow_unwrapped: false,
      exit_node_allow_lan_access: false,
      export_listeners: true,
      export_allow_ports: '3000',
    }
    home.write('.tailproxy.json', content)
    const { origins } = await resolveSettings({ env: home.env, cwd: home.path })
    const set = settingNames.filter((name) => origins[name].kind === 'file')
    expect(set.map((name) => settings[name].key).sort()).toEqual(Object.keys(content).sort())
  })
})
