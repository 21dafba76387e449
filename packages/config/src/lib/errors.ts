/** A setting, or the file it stands in, that cannot be used. The message is for the user. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'ERR_TAILPROXY_CONFIG'
}
