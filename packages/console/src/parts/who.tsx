import { useSession } from '../api/session.ts'
import { words } from '../words.ts'

/** A user: the viewer as such, another by the id that the API gives. */
export function Who({ id }: { readonly id: string }) {
  const session = useSession()
  const isViewer = session.phase === 'signedIn' && session.user.id === id
  return isViewer ? <span title={id}>{words.you}</span> : <code title={words.userId}>{id}</code>
}
