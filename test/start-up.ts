import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

/* What a fresh process pays to load modules, beside work that never changes: both by the CPU's time, in one process. */

const emptyModule = { url: 'data:text/javascript,export const connect = undefined', shortCircuit: true }
registerHooks({
  resolve: (specifier, context, next) => (specifier.startsWith('cloudflare:') ? emptyModule : next(specifier, context)),
})

async function cpuMilliseconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Text that is written and read, sorted and looked through. */
function unchanging(): void {
  const rows = Array.from({ length: 20_000 }, (_none, index) => ({ id: String((index * 7919) % 20_011), index }))
  for (let turn = 0; turn < 5; turn += 1) {
    const read: unknown = JSON.parse(JSON.stringify(rows))
    if (!Array.isArray(read)) throw new Error('rows are a list')
    rows.sort((one, other) => one.id.localeCompare(other.id))
  }
}

const paths = process.argv.slice(2)
const load = await cpuMilliseconds(async () => {
  for (const path of paths) await import(pathToFileURL(path).href)
})
const floor = await cpuMilliseconds(unchanging)
process.stdout.write(JSON.stringify({ load, floor }))
process.exit(0)
