import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'
import type { Plan } from './plan.ts'
import { runWrangler } from './wrangler.ts'

/**
 * Hyperdrive's cache gives answers that are a minute old, whatever was written since, and is on unless it was switched
 * off: a token that was revoked would be taken, and a saved workflow read as it was before.
 * https://developers.cloudflare.com/hyperdrive/concepts/query-caching/
 */
export async function refuseCaching(
  context: Context,
  { config, hyperdrive }: Pick<Plan, 'config' | 'hyperdrive'>,
): Promise<void> {
  if (hyperdrive === undefined) return
  const { id } = hyperdrive
  const lines = await runWrangler(context, {
    args: ['hyperdrive', 'get', id, `--config=${config}`],
    secrets: [],
    isQuiet: true,
  })
  if (isCachingDisabled(lines.join('\n'))) return
  throw new Failure('settings_invalid', {
    what: 'The Hyperdrive configuration caches what is read. Nothing was changed.',
    why: 'For up to 75 seconds its answers would be those from before a write: of permissions, sessions and documents.',
    fix: `Switch it off with \`npx wrangler hyperdrive update ${id} --caching-disabled\`, and run this again.`,
  })
}

/** Of what `wrangler hyperdrive get` prints: the configuration as JSON. */
function isCachingDisabled(text: string): boolean {
  const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)
  const configuration: unknown = json === '' ? undefined : JSON.parse(json)
  if (!isRecord(configuration)) return false
  const { caching } = configuration
  return isRecord(caching) && caching['disabled'] === true
}
