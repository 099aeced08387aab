import type { AuditEvent } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { audit } from '../api/more.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, instantOf, Moment } from '../parts/field.tsx'
import { Instant } from '../parts/instant.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { WindowList } from '../parts/window-list.tsx'
import { membersOf } from '../graph/graph.ts'
import { words } from '../words.ts'
import { Search } from './workflows.tsx'
import { auditTypes, typeWords } from './audit/types.ts'
import { EventFacts } from './audit/event-facts.tsx'

const text = words.audit

export function AuditPage() {
  const { query, route } = useLocation()
  const { type = '', actor = '', subject = '', workflowId = '', since = '', until = '' } = query
  const [shown, setShown] = useState<AuditEvent>()
  const given = { type, actor, subject, workflowId, since, until }
  const go = (change: Partial<typeof given>): void => {
    const values = Object.entries({ ...given, ...change }).filter(([, value]) => value !== '')
    route(`/console/audit${values.length === 0 ? '' : `?${new URLSearchParams(values).toString()}`}`, true)
  }
  const filters = Object.fromEntries(
    Object.entries({ ...given, since: instantOf(since), until: instantOf(until) }).filter(([, value]) => value !== ''),
  )
  return (
    <Page title={text.title}>
      <p class="faint">{text.explanation}</p>
      <div class="filters">
        <Choice
          label={text.type}
          value={type}
          options={[['', text.anyType], ...auditTypes.map((one) => [one, typeWords(one)] as const)]}
          onValue={(next) => go({ type: next })}
        />
        <Search label={text.subject} value={subject} onValue={(next) => go({ subject: next.trim() })} />
        <Search label={text.actor} value={actor} onValue={(next) => go({ actor: next.trim() })} />
        <div class="together">
          <Moment label={text.since} value={since} onValue={(next) => go({ since: next })} />
          <Moment label={text.until} value={until} onValue={(next) => go({ until: next })} />
        </div>
      </div>
      <WindowList<AuditEvent>
        name={JSON.stringify(filters)}
        label={text.title}
        list={(page) => audit.list({ ...filters, ...page })}
        keyOf={({ id }) => id}
        row={(event) => <Row event={event} onOpen={() => setShown(event)} />}
        empty={<Empty title={text.none} advice={text.noneAdvice} />}
      />
      {shown === undefined ? null : (
        <Dialog title={typeWords(shown.type)} onClose={() => setShown(undefined)}>
          <EventFacts event={shown} />
          <div class="actions">
            <button type="button" onClick={() => setShown(undefined)}>
              {words.close}
            </button>
          </div>
        </Dialog>
      )}
    </Page>
  )
}

function Row({ event, onOpen }: { readonly event: AuditEvent; readonly onOpen: () => void }) {
  const { type, at, actor, subject, data } = event
  const details = Object.entries(membersOf(JSON.parse(data))).map(([name, value]) => `${name} ${shortly(value)}`)
  return (
    <button type="button" class="row" onClick={onOpen}>
      <span class="row-main">
        <span class="row-title">{typeWords(type)}</span>
        <span class="row-sub">{[`${subject.type} ${subject.id ?? ''}`, ...details].join(' · ')}</span>
      </span>
      <span class="row-side">
        <span class="badge">{text.actors[actor.kind] ?? actor.kind}</span>
        <Instant at={at} />
      </span>
    </button>
  )
}

function shortly(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
