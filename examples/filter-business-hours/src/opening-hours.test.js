import { expect, test } from 'vitest'
import { createWeek, MINUTES_OF_WEEK } from './opening-hours.js'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/**
 * @param {unknown} hours
 * @param {string} when as `mon 08:30`
 */
function isOpen(hours, when) {
  const [day = '', time = ''] = when.split(' ')
  const [hour, minute] = time.split(':').map(Number)
  return createWeek(hours).isOpen((DAYS.indexOf(day) * 24 + (hour ?? 0)) * 60 + (minute ?? 0))
}

test.for([
  ['mon 07:59', false],
  ['mon 08:00', true],
  ['fri 17:59', true],
  ['fri 18:00', false],
  ['sat 12:00', false],
])('is open from the first minute to the last before the end: %s, %s', ([when, open]) => {
  expect(isOpen({ 'mon-fri': '08:00-18:00' }, String(when))).toBe(open)
})

test.for([
  ['fri 21:59', false],
  ['fri 22:00', true],
  ['sat 05:59', true],
  ['sat 06:00', false],
  ['thu 23:00', false],
  ['fri 05:00', false],
])('goes on over midnight from the day it is given for: %s, %s', ([when, open]) => {
  expect(isOpen({ fri: '22:00-06:00' }, String(when))).toBe(open)
})

test('goes on over the end of the week', () => {
  expect(isOpen({ sun: '22:00-06:00' }, 'mon 05:59')).toBe(true)
  expect(isOpen({ sun: '22:00-06:00' }, 'mon 06:00')).toBe(false)
  expect(isOpen({ 'sat-mon': '10:00-12:00' }, 'sun 11:00')).toBe(true)
  expect(isOpen({ 'sat-mon': '10:00-12:00' }, 'tue 11:00')).toBe(false)
})

test('takes all that is said of a day together', () => {
  const hours = { Mon: ['08:00-12:00', '13:00-17:00'], 'mon-tue': '20:00-24:00' }
  for (const when of ['mon 11:59', 'mon 13:00', 'mon 23:59', 'tue 20:00']) {
    expect(isOpen(hours, when)).toBe(true)
  }
  for (const when of ['mon 12:00', 'tue 13:00', 'wed 00:00'])
    expect(isOpen(hours, when)).toBe(false)
})

test('can be open all week', () => {
  const week = createWeek({ 'mon-sun': '00:00-24:00' })
  for (let minute = 0; minute < MINUTES_OF_WEEK; minute++) expect(week.isOpen(minute)).toBe(true)
})

test('is never open at a time that is none', () => {
  expect(createWeek({ 'mon-sun': '00:00-24:00' }).isOpen(Number.NaN)).toBe(false)
})

test.for([
  [undefined, 'options.hours is undefined'],
  ['08:00-18:00', 'write hours by weekday'],
  [['08:00-18:00'], 'write hours by weekday'],
  [{}, 'options.hours has no hours'],
  [{ mon: [] }, 'options.hours has no hours'],
  [{ monday: '08:00-18:00' }, 'options.hours has "monday"; days are mon'],
  [{ 'mon-fri-sat': '08:00-18:00' }, 'options.hours has "mon-fri-sat"'],
  [{ 'mon-': '08:00-18:00' }, 'options.hours has "mon-"'],
  [{ '': '08:00-18:00' }, 'options.hours has ""'],
  [{ mon: '8-18' }, 'options.hours.mon is "8-18"'],
  [{ mon: '08:00-24:01' }, 'options.hours.mon is "08:00-24:01"'],
  [{ mon: '08:60-18:00' }, 'options.hours.mon is "08:60-18:00"'],
  [{ mon: '08:00-08:00' }, 'options.hours.mon is "08:00-08:00"'],
  [{ mon: '24:00-08:00' }, 'options.hours.mon is "24:00-08:00"'],
  [{ mon: null }, 'options.hours.mon is null'],
  [{ mon: ['08:00-12:00', 13] }, 'options.hours.mon is 13'],
])('refuses %j', ([hours, message]) => {
  expect(() => createWeek(hours)).toThrow(/** @type {string} */ (message))
})
