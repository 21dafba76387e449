// How a changelog is written: each change as it was told, for people, without hashes; that another package
// of ours has a new version is no news.

/** The first line of a changeset is its title, the rest says what was wrong and what is true now. */
async function getReleaseLine({ summary }) {
  const [title, ...rest] = summary.trim().split('\n')
  const text = rest.join('\n').trim()
  const indented = text.replace(/^(?=.)/gm, '  ')
  return text === '' ? `- **${title}**` : `- **${title}**\n\n${indented}\n`
}

const getDependencyReleaseLine = async () => ''

module.exports = { getReleaseLine, getDependencyReleaseLine }
