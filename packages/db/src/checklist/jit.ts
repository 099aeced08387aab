import type { Transport } from '../sql/transport.ts'
import { ok, warn, type Finding } from './finding.ts'
import type { InspectionDialect } from './inspection.ts'
import { readTexts } from './subject.ts'

/** `jit`: whether the server compiles statements, which takes seconds for each that seems expensive to it. */
export async function checkJit(transport: Transport, { jit }: InspectionDialect): Promise<Finding> {
  const id = 'jit'
  if (jit === undefined) return ok(id, 'This database compiles no statements.')
  const [[isOn] = []] = await readTexts(transport, jit)
  if (isOn !== '1') return ok(id, 'The server compiles no statements.')
  return warn(
    id,
    'The server compiles statements that seem expensive to it (jit is on): one can take seconds longer.',
    'Switch it off for this user: `alter role current_user set jit = off`.',
  )
}
