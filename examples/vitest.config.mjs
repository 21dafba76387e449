// For the examples in this repository, whose results are summed up with all others. vitest finds it
// above them; a copy of an example elsewhere needs none.
import base from '../scripts/vitest.base.mjs'

export default { test: { ...base.test, include: ['**/*.test.js'] } }
