import { titleWithoutSecrets } from './process-title.ts'

/** What a process list shows of this process; undefined where its arguments hold no secret and stay as they are. */
const title = titleWithoutSecrets(process.argv.slice(2))
if (title !== undefined) process.title = title

// The commands take up to two seconds to load on a busy machine, and meanwhile everyone on it could read the arguments.
await import('./run.ts')
