import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readOpinion } from './read-opinion.ts'

test('reads the three answers there are', () => {
  expect(readOpinion(undefined)).toEqual({ opinion: undefined })
  expect(readOpinion({ verdict: 'allow' })).toEqual({ opinion: { verdict: 'allow' } })
  const denial = { verdict: 'deny', reason: 'no mail' }
  expect(readOpinion(denial)).toEqual({ opinion: denial })
})

test('forgives an allow its reason, and does not keep it', () => {
  expect(readOpinion({ verdict: 'allow', reason: 'admin' })).toEqual({
    opinion: { verdict: 'allow' },
  })
})

test.for([
  [null, 'null'],
  [true, 'true'],
  ['allow', '"allow"'],
  [[], 'undefined'],
  [{}, 'undefined'],
  [{ verdict: 'Allow' }, '"Allow"'],
  [{ verdict: 'deny' }, 'without a reason'],
  [{ verdict: 'deny', reason: ' \n' }, 'without a reason'],
  [{ verdict: 'deny', reason: 7 }, 'without a reason'],
  [{ verdict: 'allow', route: 'direct' }, '"route"'],
  [() => ({ verdict: 'allow' }), 'a function'],
] as const)('takes %j for no verdict', ([answer, found]) => {
  expect(readOpinion(answer)).toEqual({ problem: expect.stringContaining(found) })
})

test('makes one bounded line of any reason, without control characters', () => {
  const letters = fc.constantFrom('a', ' ', '\n', '\0', '\u001b', '\u0085', '\u2028', 'é', '😀')
  const reasons = fc.array(letters, { maxLength: 600, size: 'max' }).map((each) => each.join(''))
  fc.assert(
    fc.property(reasons, (reason) => {
      const read = readOpinion({ verdict: 'deny', reason })
      if ('problem' in read || read.opinion?.verdict !== 'deny') return
      expect(read.opinion.reason).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,256}$/u)
    }),
  )
  expect(readOpinion({ verdict: 'deny', reason: 'one\n\u001b[2Jtwo' })).toEqual({
    opinion: { verdict: 'deny', reason: 'one [2Jtwo' },
  })
})

test('allows nothing that does not say so', () => {
  fc.assert(
    fc.property(fc.anything(), (answer) => {
      const read = readOpinion(answer)
      if ('problem' in read || read.opinion?.verdict !== 'allow') return
      expect(answer).toMatchObject({ verdict: 'allow' })
    }),
  )
})
