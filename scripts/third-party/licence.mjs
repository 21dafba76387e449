// Reads the licences that a directory of somebody else's code comes with.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** LICENSE, LICENCE.md, COPYING, NOTICE, PATENTS, LICENSE-MIT and their like; not license.go. */
const LICENCE_FILE = /^(un)?(licen[cs]e|copying|notice|patents)([-.](?!go$|[cm]?[jt]s$)[\w-]+)*$/i

/** Words of each licence that no other one here has, the more specific first. */
const RECOGNIZED = [
  ['Apache-2.0', /Apache License\s+Version 2\.0/],
  ['MPL-2.0', /Mozilla Public License,? [Vv]ersion 2\.0/],
  [
    'BSD-3-Clause',
    /Redistribution and use in source[\s\S]*Neither the name|may not be used to endorse/,
  ],
  ['BSD-2-Clause', /Redistribution and use in source and binary forms/],
  ['ISC', /Permission to use, copy, modify, and\/?(or)? distribute this software/],
  ['MIT', /Permission is hereby granted, free of charge/],
]

/** The texts of the licences in a directory, in the order of their names. */
export function licencesIn(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map(({ name }) => name)
    .sort()
    .map((name) => ({ name, text: readFileSync(path.join(directory, name), 'utf8').trim() }))
}

/**
 * The SPDX identifiers of texts; a notice or a grant of patents beside a licence has none.
 *
 * @throws when none is known: somebody has to read it
 */
export function identifiersOf(component, texts) {
  const found = texts.flatMap(
    ({ text }) => RECOGNIZED.find(([, words]) => words.test(text))?.[0] ?? [],
  )
  if (found.length === 0) {
    throw new Error(
      `${component} has ${texts.length === 0 ? 'no licence file' : 'a licence that is not known here'}; read it, and add it to scripts/third-party/licence.mjs`,
    )
  }
  return [...new Set(found)].sort()
}
