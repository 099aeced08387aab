import type { UserView } from '@millrace/db/repositories/accounts/users'
import * as z from 'zod'
import { instant } from '../../fields.ts'
import { userSchema } from '../auth/contract.ts'

export const administeredUserSchema = z
  .object({ ...userSchema.shape, disabledAt: instant.nullable() })
  .meta({ id: 'AdministeredUser' })

export function administeredUserJson({ id, username, email, role, createdAt, disabledAt }: UserView) {
  return { id, username, email, role, createdAt, disabledAt }
}
