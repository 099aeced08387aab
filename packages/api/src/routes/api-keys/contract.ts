import { membersOf } from '../members.ts'
import * as z from 'zod'
import { id, instant, moment, text } from '../../fields.ts'
import { scopes } from '../../scopes.ts'

export const newApiKey = z.object({
  name: text(1, 100),
  scopes: z.array(z.enum(scopes)).min(1, { error: 'must name at least one scope' }).max(scopes.length),
  expiresAt: moment.nullable().optional(),
})

const shape = {
  id,
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  prefix: z.string().meta({ description: 'How the key begins, to tell it from others.' }),
  expiresAt: instant.nullable(),
  createdAt: instant,
  lastUsedAt: instant.nullable(),
}

export const apiKeySchema = z.object(shape).meta({ id: 'ApiKey' })

export const madeApiKeySchema = z
  .object({
    ...shape,
    key: z.string().nullable().meta({ description: 'Shown this once; null in a replayed answer.' }),
  })
  .meta({ id: 'MadeApiKey' })

export const apiKeyJson = membersOf(apiKeySchema)
