import type { Transport } from '../sql/transport.ts'
import { ok, warn, type Finding } from './finding.ts'
import type { InspectionDialect } from './inspection.ts'
import { readTexts } from './subject.ts'

/** `jit`: whether the server compiles statements, which takes seconds for each that seems expensive to it. */
export async function checkJit(transport: Transport, { jit }: InspectionDialect): Promise<Finding> {
  const id = 'jit'
  if (jit === undefined) return ok(id, 'This database has no JIT compiler.')
  const [[isOn] = []] = await readTexts(transport, jit)
  if (isOn !== '1') return ok(id, 'The JIT compiler is off.')
  return warn(
    id,
    'The JIT compiler is on: a statement that looks expensive can take seconds longer.',
    'Switch it off for this user: `alter role current_user set jit = off`.',
  )
}
