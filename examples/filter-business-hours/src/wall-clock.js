const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/**
 * What a clock on a wall shows, in a time zone with its summer time.
 *
 * @param {string} timeZone of the IANA's names, as Europe/Berlin
 */
export function createWallClock(timeZone) {
  const format = createFormat(timeZone)
  return {
    /**
     * @param {number} time milliseconds since 1970
     * @returns {{ minuteOfWeek: number, text: string }} since Monday, 00:00; and as `Mon 08:30`
     */
    at(time) {
      const parts = Object.fromEntries(
        format.formatToParts(time).map(({ type, value }) => [type, value]),
      )
      const { weekday = '', hour, minute } = parts
      const minuteOfWeek = (DAYS.indexOf(weekday) * 24 + Number(hour)) * 60 + Number(minute)
      return { minuteOfWeek, text: `${weekday} ${hour}:${minute}` }
    },
  }
}

/** @param {string} timeZone */
function createFormat(timeZone) {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  } catch (cause) {
    const found = `options.timeZone is ${JSON.stringify(timeZone)}`
    throw new Error(`${found}, which is no time zone here; write it as "Europe/Berlin"`, { cause })
  }
}
