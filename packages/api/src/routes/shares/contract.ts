import { sharePermissions } from '@millrace/db/schema/schema'
import { membersOf } from '../members.ts'
import * as z from 'zod'
import { id, instant, text } from '../../fields.ts'

const grant = z.enum(sharePermissions)

export const newShare = z
  .object({ username: text(1, 255).optional(), userId: id.optional(), permission: grant })
  .refine(({ username, userId }) => (username === undefined) !== (userId === undefined), {
    path: ['username'],
    error: 'or userId is required, one of the two',
  })

export const shareSchema = z
  .object({ id, sharedWithUserId: id, username: z.string(), permission: grant, createdAt: instant })
  .meta({ id: 'Share' })

export const shareJson = membersOf(shareSchema)
