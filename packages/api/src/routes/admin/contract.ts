import { membersOf } from '../members.ts'
import * as z from 'zod'
import { instant } from '../../fields.ts'
import { userSchema } from '../auth/contract.ts'

export const administeredUserSchema = z
  .object({ ...userSchema.shape, disabledAt: instant.nullable() })
  .meta({ id: 'AdministeredUser' })

export const administeredUserJson = membersOf(administeredUserSchema)
