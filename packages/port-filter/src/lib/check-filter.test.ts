import { expect, test } from 'vitest'
import { checkFilter } from './check-filter.ts'
import { FilterShapeError } from './errors.ts'
import { createPortFilter } from './port-filter.ts'

const hook = () => undefined

function problemOf(value: unknown): string {
  try {
    checkFilter(value, 'the filter')
  } catch (error) {
    if (!(error instanceof FilterShapeError)) throw error
    expect(error.code).toBe('ERR_PORT_FILTER_SHAPE')
    return error.message
  }
  throw new Error('it was taken for a filter')
}

class Plugin {
  readonly name = 'class'
  readonly #secret = undefined
  readonly limits = { users: 3 }
  inbound() {
    return this.#secret
  }
  dispose() {}
}

test.for([
  ['one hook', { name: 'a', outbound: hook }],
  ['every hook', { name: 'a', outbound: hook, inbound: hook, export: hook, dispose: hook }],
  ['static rules only', { name: 'a', static: { inbound: { users: ['ann'] } } }],
  ['state of its own', { name: 'a', inbound: hook, counter: 1, cache: new Map() }],
  ['hooks that are undefined', { name: 'a', inbound: hook, outbound: undefined }],
  ['a class behind it', new Plugin()],
  ['no prototype', Object.assign(Object.create(null), { name: 'a', inbound: hook })],
  ['ports', createPortFilter({ deny: 'ssh' })],
] as const)('takes a filter with %s', ([, filter]) => {
  expect(checkFilter(filter)).toBe(filter)
})

test.for([
  [undefined, 'it is undefined'],
  [null, 'it is null'],
  [hook, 'it is a function'],
  ['ports', 'it is "ports"'],
  [{ inbound: hook }, 'its name is undefined'],
  [{ name: ' ', inbound: hook }, 'its name is " "'],
  [{ name: 'x'.repeat(65), inbound: hook }, '1 to 64 characters'],
  [{ name: 'a' }, 'so it would never have a say'],
  [{ name: 'a', decide: hook }, 'so it would never have a say'],
  [{ name: 'a', inbound: { verdict: 'deny' } }, 'its "inbound" is an object, not a function'],
  [{ name: 'a', inbound: null }, 'its "inbound" is null, not a function'],
  [{ name: 'a', outbound: hook, dispose: 1 }, 'its "dispose" is 1'],
] as const)('refuses %j', ([value, message]) => {
  expect(problemOf(value)).toContain(message)
})

test.for([
  [{ name: 'a', outbound: hook, inboud: hook }, 'did you mean "inbound"?'],
  [{ name: 'a', outbound: hook, Inbound: hook }, 'did you mean "inbound"?'],
  [{ name: 'a', outbound: hook, exports: hook }, 'did you mean "export"?'],
  [{ name: 'a', outbound: hook, statics: { inbound: {} } }, 'did you mean "static"?'],
  [{ name: 'a', outbound: hook, onInboundFlow: hook }, 'hooks are outbound, inbound, export'],
  [Object.assign(new Plugin(), { dispoze: hook }), 'did you mean "dispose"?'],
] as const)('refuses a restriction that nobody would apply: %j', ([value, message]) => {
  expect(problemOf(value)).toContain(message)
})

test('refuses a misspelt method of a class', () => {
  class Misspelt extends Plugin {
    outbuond() {}
  }
  expect(problemOf(new Misspelt())).toContain('"outbuond"; did you mean "outbound"?')
})

test.for([
  [null, 'its static is null'],
  [[], 'its static is an array'],
  [{ outbound: {} }, 'a field "outbound"; allowed are inbound and exports'],
  [{ inbound: { user: ['ann'] } }, 'a field "user"; allowed are users and tags'],
  [{ inbound: { users: 'ann' } }, 'static.inbound.users is "ann", not an array'],
  [{ inbound: { users: [''] } }, 'static.inbound.users has "" for a name'],
  [{ inbound: { users: ['ann', undefined] } }, 'has undefined for a name'],
  [{ inbound: { tags: ['web'] } }, '"web"; a tag is written as "tag:web"'],
  [{ exports: { allow: '80a' } }, 'static.exports.allow: port spec: "80a"'],
  [{ exports: { deny: '' } }, 'static.exports.deny: port spec: "" names no port'],
  [{ exports: { ports: '80' } }, 'allowed are allow and deny'],
] as const)('refuses the static rules %j', ([rules, message]) => {
  expect(problemOf({ name: 'a', static: rules })).toContain(message)
})

test('keeps what was wrong with a port spec as the cause', () => {
  expect(() => checkFilter({ name: 'a', static: { exports: { allow: '0' } } })).toThrow(
    expect.objectContaining({ cause: expect.objectContaining({ part: '0' }) }),
  )
})
