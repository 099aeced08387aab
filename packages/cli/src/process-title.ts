import { redactUrl } from '@millrace/db/url'

/**
 * The command line as other users of the machine may see it: with the passwords and tokens of its URLs as `***`.
 * Undefined where there is nothing to hide.
 */
export function titleWithoutSecrets(args: readonly string[]): string | undefined {
  const shown = args.map(withoutSecret)
  if (shown.every((arg, position) => arg === args[position])) return undefined
  return ['millrace', ...shown].join(' ')
}

/** `URL`, or `--option=URL`. */
function withoutSecret(arg: string): string {
  const [, secret] = /^(--[a-z-]*(?:password|secret|token|key)[a-z-]*=)./is.exec(arg) ?? []
  if (secret !== undefined) return `${secret}***`
  const [, option = '', url] = /^(--[a-z-]+=)?([a-z][a-z0-9+.-]*:\/.*)$/is.exec(arg) ?? []
  return url === undefined ? arg : `${option}${redactUrl(url)}`
}
