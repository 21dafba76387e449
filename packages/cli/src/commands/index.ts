import { collectSettings, type SettingSources } from '@tailproxy/config'
import type { CommandLine } from '../lib/arguments.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { completions } from './completions.ts'
import { config } from './config.ts'
import { doctor } from './doctor.ts'
import { down } from './down.ts'
import { exitNode } from './exit-node.ts'
import { exportPorts } from './export.ts'
import { lab, labRun } from './lab.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { peers } from './peers.ts'
import { profile } from './profile.ts'
import { serve } from './serve.ts'
import { status } from './status.ts'
import { up } from './up.ts'

/** Does what a command line asks for, if that is not to run a command. */
export async function carryOut(line: CommandLine, sources: SettingSources): Promise<ChildExit> {
  // These help where settings are out of order.
  if (line.command === 'config') return config(line.operands, sources, line)
  if (line.command === 'profile') return profile(line.operands, sources, line)
  if (line.command === 'doctor') return doctor(line.operands, sources, line)
  // A lab is a tailnet of its own: what files say of yours means nothing there.
  const raw = await collectSettings({ ...sources, discover: !line.command.startsWith('lab') })
  switch (line.command) {
    case 'up':
      return up(line.operands, raw, line)
    case 'down':
      return down(line.operands, raw, line)
    case 'exit-node':
      return exitNode(line.operands, raw, line)
    case 'login':
      return login(line.operands, raw, line)
    case 'logout':
      return logout(line.operands, raw, line)
    case 'peers':
      return peers(line.operands, raw, line)
    case 'completions':
      return completions(line.operands, raw)
    case 'export':
      return exportPorts(line.operands, raw, line)
    case 'status':
      return status(line.operands, raw, line)
    case 'lab':
      return lab(line.operands, line)
    case 'lab run':
      return labRun(line.operands, raw)
    case 'serve':
      return serve(raw, line)
    case 'run':
      throw new Error('run is carried out without this file')
  }
}
