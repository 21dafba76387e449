import { expect, test } from 'vitest'
import { createWallClock } from './wall-clock.js'

test.for([
  ['UTC', '2024-01-01T00:00:00Z', 'Mon 00:00', 0],
  ['UTC', '2024-01-07T23:59:59Z', 'Sun 23:59', 7 * 24 * 60 - 1],
  ['Europe/Berlin', '2024-01-01T08:30:00Z', 'Mon 09:30', 9 * 60 + 30],
  ['America/New_York', '2024-01-01T04:00:00Z', 'Sun 23:00', 7 * 24 * 60 - 60],
  ['Asia/Kolkata', '2024-01-01T00:00:00Z', 'Mon 05:30', 5 * 60 + 30],
  // Clocks go from 02:00 to 03:00 on 31 March, and twice through 02:30 on 27 October.
  ['Europe/Berlin', '2024-03-31T00:59:00Z', 'Sun 01:59', 6 * 24 * 60 + 119],
  ['Europe/Berlin', '2024-03-31T01:00:00Z', 'Sun 03:00', 6 * 24 * 60 + 180],
  ['Europe/Berlin', '2024-10-27T00:30:00Z', 'Sun 02:30', 6 * 24 * 60 + 150],
  ['Europe/Berlin', '2024-10-27T01:30:00Z', 'Sun 02:30', 6 * 24 * 60 + 150],
])('shows in %s at %s %s', ([timeZone, time, text, minuteOfWeek]) => {
  const clock = createWallClock(/** @type {string} */ (timeZone))
  expect(clock.at(Date.parse(String(time)))).toEqual({ text, minuteOfWeek })
})

test.for(['', 'Europe/Berlni', 'Mars'])('knows no time zone %j', (timeZone) => {
  expect(() => createWallClock(timeZone)).toThrow('is no time zone here')
})
