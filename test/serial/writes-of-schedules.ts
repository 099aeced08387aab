import { table } from './write.ts'

const path = '/v1/workflows/{wf}/schedules'
const body = { name: 'hourly', cron: '@hourly' }

export const ofSchedules = table({
  'create a schedule': { by: 'alice', send: `POST ${path}`, body, changes: ['schedules of wf'], reads: ['wf'] },
  'create a schedule by bob': { by: 'bob', send: `POST ${path}`, body, changes: ['schedules of wf'], reads: ['wf'] },
  'create a schedule under a key': {
    by: 'alice',
    send: `POST ${path}`,
    body,
    key: 'schedule',
    changes: ['schedules of wf', 'idempotency schedule'],
    reads: ['wf'],
  },
  'change the schedule': {
    by: 'alice',
    send: 'PATCH /v1/schedules/{schedule}',
    body: { cron: '0 4 * * *' },
    ifMatch: '*',
    changes: ['schedules of wf', 'schedule'],
    reads: ['wf'],
  },
  'disable the schedule': {
    by: 'bob',
    send: 'PATCH /v1/schedules/{schedule}',
    body: { isEnabled: false },
    ifMatch: '"1"',
    changes: ['schedules of wf', 'schedule'],
    reads: ['wf'],
  },
  'delete the schedule': {
    by: 'alice',
    send: 'DELETE /v1/schedules/{schedule}',
    ifMatch: '*',
    changes: ['schedules of wf', 'schedule'],
    reads: ['wf'],
  },
  'change the due schedule': {
    by: 'alice',
    send: 'PATCH /v1/schedules/{schedule.due}',
    body: { cron: '0 5 * * *', input: { changed: true } },
    ifMatch: '*',
    changes: ['due schedules', 'schedule due'],
    reads: ['wf'],
  },
  'rename the due schedule': {
    by: 'bob',
    send: 'PATCH /v1/schedules/{schedule.due}',
    body: { name: 'renamed' },
    ifMatch: '"1"',
    changes: ['due schedules', 'schedule due'],
    reads: ['wf'],
  },
  'disable the due schedule': {
    by: 'alice',
    send: 'PATCH /v1/schedules/{schedule.due}',
    body: { isEnabled: false },
    ifMatch: '*',
    changes: ['due schedules', 'schedule due'],
    reads: ['wf'],
  },
  'delete the due schedule': {
    by: 'alice',
    send: 'DELETE /v1/schedules/{schedule.due}',
    ifMatch: '*',
    changes: ['due schedules', 'schedule due'],
    reads: ['wf'],
  },
  'allow what skips to overlap': {
    by: 'alice',
    send: 'PATCH /v1/schedules/{schedule.skipping}',
    body: { overlap: 'allow' },
    ifMatch: '*',
    changes: ['due schedules', 'schedule skipping'],
    reads: ['wf'],
  },
})
