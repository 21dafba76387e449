import { expect, test } from 'vitest'
import { Complaints } from './complaints.ts'

function complaining() {
  const said: string[] = []
  const clock = { now: 0 }
  const complaints = new Complaints(
    (complaint) => said.push(complaint),
    () => clock.now,
  )
  return { said, clock, complaints }
}

test('tells so many of a kind, and with the last that more may come', () => {
  const { said, complaints } = complaining()
  for (let at = 1; at <= 1000; at++) complaints.tell('lines', `line ${at}`)
  expect(said).toHaveLength(32)
  expect(said[30]).toBe('line 31')
  expect(said[31]).toMatch(/^line 32 \(more of this kind are only counted/)
})

test('tells of other kinds all the same', () => {
  const { said, complaints } = complaining()
  for (let at = 0; at < 100; at++) complaints.tell('lines', 'a line')
  complaints.tell('connections', 'a connection')
  expect(said.at(-1)).toBe('a connection')
})

test('tells one more for each minute, and as many as at first after half an hour and a bit', () => {
  const { said, clock, complaints } = complaining()
  const flood = () => {
    const before = said.length
    for (let at = 0; at < 100; at++) complaints.tell('lines', 'a line')
    return said.length - before
  }
  flood()
  clock.now += 59_000
  expect(flood()).toBe(0)
  clock.now += 121_000
  expect(flood()).toBe(3)
  clock.now += 33 * 60_000
  expect(flood()).toBe(32)
})
