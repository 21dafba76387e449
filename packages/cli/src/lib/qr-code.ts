import { renderUnicodeCompact } from 'uqr'

/** ECMA-48: white on black, whatever the terminal has, so that light modules are the lighter ones. */
const WHITE_ON_BLACK = '\u001b[97;40m'
const AS_BEFORE = '\u001b[0m'

/** A URL as a QR code (ISO/IEC 18004) of half blocks, two modules to a character, for a terminal. */
export function qrCode(url: string, { color }: { color: boolean }): string {
  const lines = renderUnicodeCompact(url, { border: 2 }).split('\n')
  return lines.map((line) => `${color ? `${WHITE_ON_BLACK}${line}${AS_BEFORE}` : line}\n`).join('')
}
