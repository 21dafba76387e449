// The exit nodes of a fake sidecar: those that FAKE_SIDECAR has in `exitNodes`. Nothing goes by them.

/** `fail(code, message)` makes an error answer. */
export function createExitNodes({ emit, nodes = [], fail }) {
  let set

  const described = (node) => ({ ...node, selected: set?.node?.id === node.id })
  const usable = () => nodes.filter(({ online }) => online)

  function find(wanted) {
    const text = wanted.toLowerCase().replace(/\.$/, '')
    if (text === 'auto') return usable()[0]
    return nodes.find(
      ({ id, name, addresses }) =>
        id === wanted || [name, name.split('.')[0], ...addresses].includes(text),
    )
  }

  function choose(wanted) {
    const failures = wanted.map((each) => {
      const node = find(each)
      if (!node) return fail('no-such-host', `there is no node "${each}"`)
      return node.online ? node : fail('exit-node-down', `${each} is offline`)
    })
    const found = failures.find((each) => !(each instanceof Error))
    if (found) return found
    if (failures.length === 1) throw failures[0]
    throw fail('exit-node-down', failures.map(({ message }) => message).join('; '))
  }

  return {
    status: () =>
      set && {
        state: set.node ? 'up' : 'down',
        ...set,
        wanted: [...set.wanted],
        ...(set.node ? { node: described(set.node) } : {}),
      },

    methods: {
      exitNodes: () => ({ nodes: nodes.map(described) }),

      setExitNode({ nodes: wanted, lanAccess, insist = false }) {
        try {
          set = wanted.length === 0 ? undefined : { node: choose(wanted), wanted, lanAccess }
        } catch (error) {
          if (!insist) throw error
          set = { wanted, lanAccess, reason: error.message }
          emit('exitNodeState', { state: 'down', reason: error.message })
          return {}
        }
        const answer = set ? { node: described(set.node) } : {}
        emit('exitNodeState', { state: set ? 'up' : 'none', ...answer })
        return answer
      },

      suggestExitNode() {
        const node = find('auto')
        return node ? { node: described(node) } : {}
      },
    },
  }
}
