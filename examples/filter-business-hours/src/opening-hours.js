const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const MINUTES_OF_DAY = 24 * 60
export const MINUTES_OF_WEEK = 7 * MINUTES_OF_DAY
const TIMES = 'write times from 00:00 to 24:00, as "08:00-18:00", or "22:00-06:00" over midnight'
const HOURS = 'write hours by weekday, as { "mon-fri": "08:00-18:00", "sat": ["10:00-12:00"] }'

/**
 * @typedef {object} Week
 * @property {(minuteOfWeek: number) => boolean} isOpen minutes since Monday, 00:00
 */

/**
 * Reads hours such as `{ "mon-fri": "08:00-18:00", "sat": ["10:00-12:00", "22:00-02:00"] }`. Days that
 * occur twice are open at both times. A range that ends before it begins ends on the next day; the
 * minute at which a range ends does not belong to it.
 *
 * @param {unknown} hours
 * @returns {Week}
 */
export function createWeek(hours) {
  if (typeof hours !== 'object' || hours === null || Array.isArray(hours)) {
    throw new Error(`options.hours is ${JSON.stringify(hours)}; ${HOURS}`)
  }
  const open = Object.entries(hours).flatMap(([days, times]) => {
    const ranges = readTimes(days, times)
    return readDays(days).flatMap((day) =>
      ranges.map(({ from, to }) => {
        const midnight = day * MINUTES_OF_DAY
        return { from: midnight + from, to: midnight + to }
      }),
    )
  })
  if (open.length === 0) throw new Error(`options.hours has no hours; ${HOURS}`)
  return {
    isOpen: (minute) =>
      // The night from Sunday to Monday ends in the week that begins then.
      [minute, minute + MINUTES_OF_WEEK].some((each) =>
        open.some(({ from, to }) => each >= from && each < to),
      ),
  }
}

/**
 * @param {string} days `mon`, or `mon-fri`; `sat-mon` goes over Sunday
 * @returns {number[]} 0 is Monday
 */
function readDays(days) {
  const [first, last, ...more] = days
    .split('-')
    .map((day) => DAYS.indexOf(day.trim().toLowerCase()))
  if (first === undefined || more.length > 0 || [first, last].includes(-1)) {
    throw new Error(`options.hours has ${JSON.stringify(days)}; days are ${DAYS.join(', ')}`)
  }
  const count = (((last ?? first) - first + DAYS.length) % DAYS.length) + 1
  return Array.from({ length: count }, (_, at) => (first + at) % DAYS.length)
}

/**
 * @param {string} days
 * @param {unknown} times
 */
function readTimes(days, times) {
  const list = Array.isArray(times) ? times : [times]
  return list.map((range) => {
    const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(String(range)) ?? []
    const [begin, end] = [minuteOfDay(from), minuteOfDay(to)]
    if (begin === undefined || end === undefined || begin === end || begin === MINUTES_OF_DAY) {
      throw new Error(`options.hours.${days} is ${JSON.stringify(range)}; ${TIMES}`)
    }
    return { from: begin, to: end < begin ? end + MINUTES_OF_DAY : end }
  })
}

/** @param {string | undefined} time */
function minuteOfDay(time = '') {
  const [hour, minute] = time.split(':').map(Number)
  if (hour === undefined || minute === undefined || minute > 59) return undefined
  const minutes = hour * 60 + minute
  return minutes <= MINUTES_OF_DAY ? minutes : undefined
}
