import { words } from '../words.ts'

type Status = keyof typeof words.executions.status

export function StatusBadge({ status }: { readonly status: Status }) {
  return <span class={`badge status-${status}`}>{words.executions.status[status]}</span>
}
