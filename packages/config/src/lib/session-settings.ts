import { onOff, type Setting } from './setting.ts'

/** The session around a command, and what it says. */
export const sessionSettings = {
  verbose: {
    ...onOff,
    flag: 'verbose',
    variables: ['TAILPROXY_LOG'],
    key: 'verbose',
    help: 'tell on stderr what is done',
    group: 'session',
    scope: 'run',
  } satisfies Setting<boolean>,
}
