import {
  listed,
  pathOf,
  read,
  type AdministeredUser,
  type AuditEvent,
  type AuditFilters,
  type Backup,
  type CallOptions,
  type ListOptions,
  type NewSchedule,
  type PlannedSchedule,
  type Schedule,
  type ScheduleChange,
  type ServiceStatus,
  type UserChange,
  type UserFilters,
} from '@millrace/client'
import { client } from './client.ts'

/* Routes that the client has types for, and no methods yet. */

const { ask } = client

export const schedules = {
  list: (workflowId: string, options: ListOptions = {}) =>
    listed<Schedule>(ask, pathOf`/v1/workflows/${workflowId}/schedules`, options),

  async get(id: string, options?: CallOptions): Promise<PlannedSchedule> {
    return read<PlannedSchedule>(await ask({ method: 'GET', path: pathOf`/v1/schedules/${id}` }, options))
  },

  async create(workflowId: string, schedule: NewSchedule): Promise<Schedule> {
    const path = pathOf`/v1/workflows/${workflowId}/schedules`
    return read<Schedule>(await ask({ method: 'POST', path, body: schedule, isKeyed: true }))
  },

  async update({ id, revision }: Pick<Schedule, 'id' | 'revision'>, change: ScheduleChange): Promise<Schedule> {
    const question = {
      method: 'PATCH',
      path: pathOf`/v1/schedules/${id}`,
      body: change,
      ifMatch: `"${revision}"`,
    } as const
    return read<Schedule>(await ask(question))
  },

  async remove({ id, revision }: Pick<Schedule, 'id' | 'revision'>): Promise<void> {
    await ask({ method: 'DELETE', path: pathOf`/v1/schedules/${id}`, ifMatch: `"${revision}"` })
  },
}

export const audit = {
  list: (wanted: AuditFilters & ListOptions) => listed<AuditEvent>(ask, '/v1/audit', wanted),
}

export const administration = {
  async status(options?: CallOptions): Promise<ServiceStatus> {
    return read<ServiceStatus>(await ask({ method: 'GET', path: '/v1/admin/status' }, options))
  },

  users: (wanted: UserFilters & ListOptions) => listed<AdministeredUser>(ask, '/v1/admin/users', wanted),

  async changeUser(id: string, change: UserChange): Promise<AdministeredUser> {
    const question = { method: 'PATCH', path: pathOf`/v1/admin/users/${id}`, body: change, isRepeatable: true } as const
    return read<AdministeredUser>(await ask(question))
  },

  backups: (options: ListOptions = {}) => listed<Backup>(ask, '/v1/admin/backups', options),

  async startBackup(): Promise<Backup> {
    return read<Backup>(await ask({ method: 'POST', path: '/v1/admin/backups' }))
  },
}
