import { createPortFilter } from '@tailproxy/port-filter'
import { testFilter } from '@tailproxy/port-filter/compliance'

testFilter('the port filter', {
  create: () => createPortFilter({ allow: '1-8000', deny: 'ssh' }),
})

const ports = createPortFilter({ deny: 'smtp,submission' })

testFilter('a port filter that is used for outbound flows', {
  create: () => ({ name: 'no mail', outbound: ({ destination }) => ports.decide(destination) }),
  questions: {
    outbound: [
      {
        network: 'tcp',
        source: { address: '127.0.0.1', port: 40_000 },
        destination: { address: '100.64.0.3', port: 25 },
        origin: 'socks',
      },
    ],
  },
})

let asked = 0

testFilter('a filter that counts', {
  deterministic: false,
  create: () => ({
    name: 'every other',
    async inbound() {
      asked += 1
      return asked % 2 === 0 ? { verdict: 'deny', reason: 'not every time' } : undefined
    },
  }),
})
