import { type SettingName, settingNames, settings } from '@tailproxy/config/collect'
import type { CommandName } from './arguments.ts'
import type { OwnFlagName } from './own-flags.ts'

/** What can stand at the place of an operand, for completions. */
export type OperandKind = 'exit-nodes' | 'peers' | 'profiles' | 'programs'

export interface Verb {
  word: string
  /** What may follow it. */
  operand?: OperandKind
}

/** A command, as its help, the completions and docs/commands.md tell of it, and as its flags are checked. */
export interface CommandInfo {
  /** What it does, in a line of the first help. */
  summary: string
  /** What it does, in the first line of its own. */
  title: string
  /** Words behind `tailproxy`, and what they do. */
  usage: readonly (readonly [words: string, does: string])[]
  /** Lines of at most 80 columns. */
  notes?: string
  verbs?: readonly Verb[]
  /** What may stand in place of a verb. */
  operand?: OperandKind
  own: readonly OwnFlagName[]
  /** The settings that make a difference to it. */
  settings: readonly SettingName[]
  /** Those of them that its help lists. @default none */
  listed?: readonly SettingName[]
  examples: readonly string[]
}

/** Where a session is, or would be. */
const PLACE: readonly SettingName[] = ['profile', 'stateDir', 'controlUrl', 'verbose']
/** What a session is started with. */
const STARTS: readonly SettingName[] = [
  ...settingNames.filter((name) => settings[name].scope === 'session'),
  'foreground',
  'timeout',
  'verbose',
]
const OF_EXPORTS = settingNames.filter((name) => settings[name].group === 'exports')
const LOGIN: readonly SettingName[] = [
  ...(['authKey', 'hostname', 'controlUrl', 'ephemeral', 'tags'] as const),
  ...(['timeout', 'profile'] as const),
]

const STATUSES = `Exit status: 0 the node is up; 10 nobody logged in within --timeout; 11 it waits
for an administrator's approval; 12 the key has expired; 13 the key, or the
node, was refused; 125 for all else.`

export const commandTable: Record<CommandName, CommandInfo> = {
  run: {
    summary: 'run a program on the tailnet (the word may be left out)',
    title: 'Runs a program on the tailnet.',
    usage: [
      ['[flags] [run] PROGRAM [ARGUMENT…]', 'it is on the tailnet'],
      ['[flags] run status', 'one named as a command is'],
    ],
    operand: 'programs',
    own: ['config'],
    settings: settingNames,
    listed: settingNames.filter(
      (name) => settings[name].group !== 'exports' || name === 'exportListeners',
    ),
    examples: ['curl http://peer/', '--exit-node=berlin curl https://example.com/'],
  },
  up: {
    summary: 'start the session, to stay; --foreground for services',
    title: 'Starts the session of this profile, and keeps it when nobody uses it.',
    usage: [
      ['[flags] up', 'in the background, until down'],
      ['[flags] up --foreground', 'in this process: containers, systemd'],
    ],
    notes: STATUSES,
    own: ['config', 'json'],
    settings: settingNames,
    listed: [...LOGIN, 'exitNode', 'exitNodeLanAccess', 'foreground', 'metrics'],
    examples: ['up', '--exit-node=berlin,auto up', 'up --foreground --authkey=file:key'],
  },
  down: {
    summary: 'end the session; --purge removes every trace',
    title: 'Ends the session of this profile, with what uses it.',
    usage: [
      ['down', 'the login stays'],
      ['down --purge', 'logs out, and removes all that was kept'],
    ],
    own: ['config', 'purge', 'json'],
    settings: STARTS,
    listed: PLACE,
    examples: ['down', '--profile=work down --purge'],
  },
  status: {
    summary: 'how the session does: node, exit node, exports, flows',
    title: 'Shows how the session of this profile does, and where it keeps what.',
    usage: [
      ['status', 'node, exit node, runs, exports, flows'],
      ['status --watch', 'the same, again every second'],
    ],
    own: ['config', 'json', 'watch'],
    settings: STARTS,
    listed: PLACE,
    examples: ['status', 'status --watch --json'],
  },
  login: {
    summary: 'log in, by URL and QR code or by an auth key',
    title: 'Logs the node of this profile in, and says who it is then.',
    usage: [
      ['[flags] login', 'shows a URL to open, and waits'],
      ['[flags] login --authkey=KEY', 'by a key, file:PATH, or - (stdin)'],
    ],
    notes: `A key is found in TAILPROXY_AUTHKEY and TS_AUTHKEY, too. Others on this host see
one that is written into a command line; file: and - keep it to yourself.

${STATUSES}`,
    own: ['config', 'json'],
    settings: STARTS,
    listed: LOGIN,
    examples: ['login', '--profile=work login --timeout=5m', 'login --authkey=file:key'],
  },
  logout: {
    summary: 'log out, and forget the keys',
    title: 'Logs the node of this profile out, and ends its session.',
    usage: [['logout', 'the node leaves the tailnet; its keys are void']],
    own: ['config', 'json'],
    settings: STARTS,
    listed: PLACE,
    examples: ['logout', '--profile=work logout'],
  },
  'exit-node': {
    summary: 'ls, set NODE…, auto, off, suggest',
    title: 'Chooses what traffic for outside the tailnet goes through.',
    usage: [
      ['exit-node [ls]', 'those there are; * is the one that is set'],
      ['exit-node set NODE…', 'the first that can be used: a,b,auto'],
      ['exit-node auto', "Tailscale's choice, or the nearest"],
      ['exit-node off', 'none: such traffic leaves from this host'],
      ['exit-node suggest', 'which one auto would be'],
    ],
    notes: `NODE is a name, an address or an id. It is set when it was seen to work, and is
remembered for sessions to come. What goes by the one before ends then. When it
goes down the next of the list is taken; with no other such traffic fails, and
never goes past it.`,
    verbs: [
      { word: 'ls' },
      { word: 'set', operand: 'exit-nodes' },
      { word: 'auto' },
      { word: 'off' },
      { word: 'suggest' },
    ],
    own: ['config', 'json'],
    settings: STARTS.filter((name) => name !== 'exitNode'),
    listed: ['exitNodeLanAccess', ...PLACE],
    examples: ['exit-node ls', 'exit-node set berlin,auto', 'exit-node off'],
  },
  peers: {
    summary: 'the nodes of the tailnet; peers ping NAME measures',
    title: 'Shows the other nodes of the tailnet, and how they are reached.',
    usage: [
      ['peers', 'name, address, system, path, bytes'],
      ['peers ping NAME', 'how long an answer takes, and by which way'],
    ],
    notes: `The exit status of ping is 1 when no answer came.`,
    verbs: [{ word: 'ls' }, { word: 'ping', operand: 'peers' }],
    own: ['config', 'json', 'count'],
    settings: STARTS,
    listed: PLACE,
    examples: ['peers', 'peers ping -c 1 hello'],
  },
  export: {
    summary: 'serve a port of this host to the tailnet; ls, rm PORT…',
    title: 'Serves ports of this host to the tailnet.',
    usage: [
      ['[flags] export PORT…', 'serve what listens there already'],
      ['[flags] export ADDRESS:PORT', 'at this address, not on loopback'],
      ['export ls', 'what is exported, and how it does'],
      ['export rm PORT…', 'end it'],
      ['--export-listeners PROGRAM', 'serve whatever PROGRAM listens on'],
    ],
    notes: `PORT is a number, a range (8000-8010) or a service's name (http), of TCP unless
it ends in /udp as 53/udp.`,
    verbs: [{ word: 'ls' }, { word: 'rm' }],
    own: ['config', 'json'],
    settings: [...STARTS, ...OF_EXPORTS],
    listed: OF_EXPORTS.filter((name) => name !== 'exportListeners'),
    examples: [
      'export 8080 53/udp',
      '--export-user=alice@example.com export 5432',
      '--export-listeners python3 -m http.server 8000',
    ],
  },
  profile: {
    summary: 'list profiles, or use NAME: logins of their own',
    title: 'Lists profiles, or chooses one: a login of its own, with its settings.',
    usage: [
      ['profile [ls]', 'the profiles; * is the one in use'],
      ['profile use NAME', 'use this one from now on (none: no profile)'],
    ],
    notes: `A profile is profiles/NAME.json beside ~/.config/tailproxy/config.json.`,
    verbs: [{ word: 'ls' }, { word: 'use', operand: 'profiles' }],
    own: ['config', 'json'],
    settings: ['profile', 'verbose'],
    examples: ['profile use work', '--profile=work config'],
  },
  config: {
    summary: 'what is set, and where; path, schema',
    title: 'Shows what is set, and where it was set.',
    usage: [
      ['config', 'each value, and where it comes from'],
      ['config path', 'the files that are looked at'],
      ['config schema', 'the JSON Schema of such a file, for editors'],
    ],
    notes: `A flag goes before TAILPROXY_…, that before the profile, that before the file
.tailproxy.json of the project, that before ~/.config/tailproxy/config.json.
Every flag of the other commands may be given, to see what it would come to.`,
    verbs: [{ word: 'path' }, { word: 'schema' }],
    own: ['config', 'json'],
    settings: settingNames,
    examples: ['config path', '--profile=work config'],
  },
  doctor: {
    summary: 'what works on this host, and what to do',
    title: 'Finds out what works on this host, and says what to do about the rest.',
    usage: [
      ['doctor', 'this host, the network, the control server'],
      ['doctor PROGRAM…', 'and whether these would be captured'],
      ['doctor --report', 'the same, to show to others'],
    ],
    notes: `A report has no names, addresses and keys in it. The exit status is 1 when
something does not work.`,
    operand: 'programs',
    own: ['config', 'json', 'report'],
    settings: STARTS,
    listed: PLACE,
    examples: ['doctor curl', 'doctor --report'],
  },
  lab: {
    summary: 'a private tailnet on loopback, to try things on',
    title: 'Starts a private tailnet on loopback: no account, no internet.',
    usage: [
      ['lab', 'until Ctrl-C'],
      ['[flags] lab run -- PROGRAM…', 'runs PROGRAM on one of its own'],
    ],
    verbs: [{ word: 'run', operand: 'programs' }],
    own: ['config', 'json'],
    settings: settingNames,
    examples: ['lab', 'lab run -- curl http://hello/'],
  },
  completions: {
    summary: 'for bash, zsh or fish',
    title: "Prints what a shell needs to complete tailproxy's command lines.",
    usage: [
      ['completions bash', 'source <(tailproxy completions bash)'],
      ['completions zsh', 'source <(tailproxy completions zsh)'],
      ['completions fish', 'tailproxy completions fish | source'],
    ],
    notes: `Such a line in ~/.bashrc, in ~/.zshrc (behind compinit) or in
~/.config/fish/config.fish is for every shell. Names of exit nodes and peers
are those that a running session knows: nothing is started for them.`,
    verbs: [{ word: 'bash' }, { word: 'zsh' }, { word: 'fish' }],
    own: ['config'],
    settings: STARTS,
    examples: ['completions bash'],
  },
}
