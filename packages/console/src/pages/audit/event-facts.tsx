import type { AuditEvent } from '@millrace/client'
import type { ComponentChildren } from 'preact'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Instant } from '../../parts/instant.tsx'
import { words } from '../../words.ts'
import { DocumentText } from '../execution/document-text.tsx'

const text = words.audit

export function EventFacts({ event }: { readonly event: AuditEvent }) {
  const { at, actor, subject, workflowId, data, network, requestId, id } = event
  return (
    <>
      <dl class="pairs">
        <Pair name={text.at}>
          <Instant at={at} isExact />
        </Pair>
        <Pair name={text.by}>
          {text.actors[actor.kind] ?? actor.kind} <Id id={actor.userId} />{' '}
          {actor.kind === 'user' ? null : <Id id={actor.id} />}
        </Pair>
        <Pair name={text.what}>
          {subject.type} <Id id={subject.id} />
        </Pair>
        <Pair name={text.workflow}>
          {workflowId === null ? (
            words.none
          ) : (
            <a href={`/console/workflows/${encodeURIComponent(workflowId)}`}>
              <code>{workflowId}</code>
            </a>
          )}
        </Pair>
        <Pair name={text.network}>{network ?? words.none}</Pair>
        <Pair name={words.failures.request}>
          <Id id={requestId} />
        </Pair>
        <Pair name={text.event}>
          <Id id={id} />
        </Pair>
      </dl>
      {data === '{}' ? null : <DocumentText label={text.data} document={data} />}
    </>
  )
}

function Pair({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Id({ id }: { readonly id: string | null }) {
  if (id === null) return <>{words.none}</>
  return (
    <>
      <code>{id}</code> <CopyButton text={id} label={words.copy.id} />
    </>
  )
}
