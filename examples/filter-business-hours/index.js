import { createWeek } from './src/opening-hours.js'
import { createWallClock } from './src/wall-clock.js'

/** @typedef {import('@tailproxy/port-filter').FilterHook} FilterHook */

/** @type {readonly FilterHook[]} */
const HOOKS = ['outbound', 'inbound', 'export']
const EXAMPLE =
  'as { "timeZone": "Europe/Berlin", "hours": { "mon-fri": "08:00-18:00" }, "hooks": ["inbound"] }'

/**
 * Lets flows and exports through in the given hours of the week only. What is open stays open when
 * the hours end.
 *
 * @param {unknown} options `timeZone`: of the IANA's names; the host's is no default, since in a
 *   container it is UTC. `hours`: by weekday, see `createWeek`. `hooks`: what is restricted; all
 *   when it is left out
 * @param {{ now?: () => number }} [clock] milliseconds since 1970; for tests
 * @returns {import('@tailproxy/port-filter').Filter}
 */
export default function businessHours(options, { now = Date.now } = {}) {
  const { timeZone, hours, hooks } = readOptions(options)
  const week = createWeek(hours)
  const clock = createWallClock(timeZone)
  const decide = () => {
    const { minuteOfWeek, text } = clock.at(now())
    if (week.isOpen(minuteOfWeek)) return undefined
    const reason = `outside business hours: it is ${text} in ${timeZone}`
    return { verdict: /** @type {const} */ ('deny'), reason }
  }
  const restricted = Object.fromEntries(hooks.map((hook) => [hook, decide]))
  return { name: 'business-hours', ...restricted }
}

/** @param {unknown} options */
function readOptions(options) {
  if (typeof options !== 'object' || options === null) {
    throw new Error(`options have to be a time zone and hours, ${EXAMPLE}`)
  }
  const given = /** @type {Record<string, unknown>} */ (options)
  const { timeZone, hours, hooks = HOOKS, ...others } = given
  const [stranger] = Object.keys(others)
  if (stranger !== undefined) throw new Error(`options.${stranger} is unknown; write ${EXAMPLE}`)
  if (typeof timeZone !== 'string') {
    throw new Error(`options.timeZone is ${JSON.stringify(timeZone)}; write it ${EXAMPLE}`)
  }
  if (!isHooks(hooks)) {
    const allowed = `allowed are some of ${HOOKS.join(', ')}`
    throw new Error(`options.hooks is ${JSON.stringify(hooks)}; ${allowed}`)
  }
  return { timeZone, hours, hooks }
}

/**
 * @param {unknown} value
 * @returns {value is readonly FilterHook[]}
 */
function isHooks(value) {
  return Array.isArray(value) && value.length > 0 && value.every((each) => HOOKS.includes(each))
}
