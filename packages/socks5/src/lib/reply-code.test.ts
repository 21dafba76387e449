import { expect, test } from 'vitest'
import { AddressTypeError, CommandError, ReplyError } from './errors.ts'
import { describeReplyCode, replyCodeOf } from './reply-code.ts'

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

test.for([
  ['ECONNREFUSED', 5],
  ['ENETUNREACH', 3],
  ['ENETDOWN', 3],
  ['EHOSTUNREACH', 4],
  ['EHOSTDOWN', 4],
  ['ETIMEDOUT', 6],
  ['EACCES', 2],
  ['EPERM', 2],
  ['ENOTFOUND', 4],
  ['EAI_AGAIN', 4],
  ['EAI_NONAME', 4],
  ['ECONNRESET', 1],
  ['toString', 1],
] as const)('answers %s by reply %i', ([code, replyCode]) => {
  expect(replyCodeOf(failure(code))).toBe(replyCode)
})

test.for([
  ['one of its own', new CommandError(9), 7],
  ['one of its own that has a reply', new AddressTypeError(9), 8],
  ['the refusal of the next proxy', new ReplyError('a:80', 5), 5],
  ['a reply that RFC 1928 does not know', new ReplyError('a:80', 200), 1],
  ['a claim of success', Object.assign(new Error(), { replyCode: 0 }), 1],
  ['no error at all', undefined, 1],
  ['a string', 'ECONNREFUSED', 1],
] as const)('answers %s', ([, error, replyCode]) => {
  expect(replyCodeOf(error)).toBe(replyCode)
})

test('answers the failure of all addresses by the first that says something', () => {
  const error = new AggregateError([
    failure('EWHAT'),
    failure('ENETUNREACH'),
    failure('ECONNREFUSED'),
  ])
  expect(replyCodeOf(error)).toBe(3)
})

test('has words for every reply', () => {
  expect(describeReplyCode(5)).toBe('connection refused')
  expect(describeReplyCode(9)).toBe('not assigned by RFC 1928')
})
