import { readFileSync } from 'node:fs'

/**
 * Whether we are in the foreground of a terminal, where Ctrl-C goes to our whole process group, and
 * so to the command as well. Not the same as `isTTY`: stdin may be a file.
 *
 * @param stat what proc_pid_stat(5) says of us
 */
export function isInForeground(stat: string = readStat()): boolean {
  // The second field is the program's name in parentheses, and may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [processGroup, foregroundGroup] = [fields[2], fields[5]]
  return processGroup !== undefined && processGroup === foregroundGroup
}

function readStat(): string {
  try {
    return readFileSync('/proc/self/stat', 'utf8')
  } catch {
    // No /proc: then a signal is rather handed on twice than not at all.
    return ''
  }
}
