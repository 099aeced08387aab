import packageJson from '../package.json' with { type: 'json' }

/** The version of the service, as /healthz tells it. */
export const { version } = packageJson
