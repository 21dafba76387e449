// The vectors of the questions and answers about names, as the unit test takes them: five words each.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './harness.mjs'

const FAMILIES = { 'true,true': 0, 'true,false': 2, 'false,true': 10 } // AF_UNSPEC, AF_INET, AF_INET6

const forms = {
  resolve: ({ hex, fields }) => [fields.host, FAMILIES[[fields.want4, fields.want6]], hex],
  reverse: ({ hex, fields }) => [fields.address, hex],
  addresses: ({ hex, valid, fields }) =>
    valid ? [hex, fields.status, fields.canonical, fields.addresses.length] : [hex, -1],
  names: ({ hex, valid, fields }) =>
    valid ? [hex, fields.status, fields.names[0] ?? ''] : [hex, -1],
}

export function nameVectors() {
  const { messages } = JSON.parse(readFileSync(path.join(root, 'vectors/messages.json'), 'utf8'))
  return messages.flatMap((message) => {
    const kind = Object.keys(forms).find((word) => message.name.split(/[ ,]/)[0] === word)
    // A question is only written here: a bad one is the sidecar's to refuse.
    if (!kind || (!message.valid && message.from === 'program')) return []
    const words = [kind, ...forms[kind](message).map(String)]
    return [...words, ...Array(5 - words.length).fill('')]
  })
}
