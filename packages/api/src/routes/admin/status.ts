import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { defineRoute } from '../../route.ts'
import { getStatus as findStatus } from '../../services/administration.ts'
import { backupJson, backupSchema } from './backup.ts'

const poolSchema = z.object({ size: z.int(), checkedOut: z.int(), overflow: z.int(), waiting: z.int() })

const findingSchema = z.object({
  id: z.string(),
  level: z.enum(['ok', 'warn', 'fail']),
  message: z.string(),
  fix: z.string(),
  sql: z.string().optional(),
})

export const getStatus = defineRoute({
  method: 'GET',
  path: '/v1/admin/status',
  summary: 'How the service stands: its schema, the gateway, the last backups, what the checklist finds.',
  access: { kind: 'admin' },
  scope: 'admin',
  answers: {
    200: z.object({
      version: z.string(),
      dialect: z.enum(['sqlite', 'postgres', 'mysql']),
      schema: z.int().meta({ description: 'Number of the newest migration.' }),
      pendingMigrations: z.array(z.string()),
      pool: poolSchema.nullable().meta({ description: 'Of the gateway, where one serves the database.' }),
      lastBackups: z.array(backupSchema),
      findings: z.array(findingSchema),
    }),
  },
  refusals: ['forbidden'],
  act: (context) => findStatus(context),
  answer: ({ pool, lastBackups, findings, ...rest }) =>
    jsonResponse(200, {
      ...rest,
      pool: pool === undefined ? null : { ...pool },
      lastBackups: lastBackups.map(backupJson),
      findings: findings.map((finding) => ({ ...finding })),
    }),
})
