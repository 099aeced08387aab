import type { AdministeredUser } from '@millrace/client'
import { useLocation } from 'preact-iso'
import { useState } from 'preact/hooks'
import { administration } from '../../api/more.ts'
import { Confirmation } from '../../parts/dialog.tsx'
import { Instant } from '../../parts/instant.tsx'
import { Empty, Page } from '../../parts/page.tsx'
import { WindowList } from '../../parts/window-list.tsx'
import { words } from '../../words.ts'
import { Search } from '../workflows.tsx'

const text = words.users

interface Asked {
  readonly user: AdministeredUser
  readonly act: 'disable' | 'enable' | 'promote' | 'demote'
}

const changes = {
  disable: { disabled: true },
  enable: { disabled: false },
  promote: { role: 'admin' },
  demote: { role: 'user' },
} as const

export function UsersPage() {
  const { query, route } = useLocation()
  const q = query['q'] ?? ''
  const [turn, setTurn] = useState(0)
  const [asked, setAsked] = useState<Asked>()
  return (
    <Page title={text.title}>
      <div class="filters">
        <Search
          label={text.search}
          value={q}
          onValue={(next) => route(`/console/admin/users${next === '' ? '' : `?q=${encodeURIComponent(next)}`}`, true)}
        />
      </div>
      <WindowList<AdministeredUser>
        name={q}
        turn={turn}
        label={text.title}
        list={(page) => administration.users({ ...(q === '' ? {} : { q }), ...page })}
        keyOf={({ id }) => id}
        row={(user) => <Row user={user} onAsk={setAsked} />}
        empty={<Empty title={text.none} advice={text.noneAdvice} />}
      />
      {asked === undefined ? null : (
        <Confirmation
          title={text[asked.act].title(asked.user.username)}
          verb={text[asked.act].verb}
          isDangerous={asked.act === 'disable'}
          onClose={() => setAsked(undefined)}
          act={async () => {
            await administration.changeUser(asked.user.id, changes[asked.act])
            setTurn(turn + 1)
          }}
        >
          <p>{text[asked.act].means}</p>
        </Confirmation>
      )}
    </Page>
  )
}

interface RowProps {
  readonly user: AdministeredUser
  readonly onAsk: (asked: Asked) => void
}

function Row({ user, onAsk }: RowProps) {
  const { username, email, role, createdAt, disabledAt } = user
  const acts = [disabledAt === null ? 'disable' : 'enable', role === 'admin' ? 'demote' : 'promote'] as const
  return (
    <div class="row">
      <span class="row-main">
        <span class="row-title">
          {username} {role === 'admin' ? <span class="badge info">{words.account.admin}</span> : null}{' '}
          {disabledAt === null ? null : <span class="badge fail">{text.disabled}</span>}
        </span>
        <span class="row-sub">{email}</span>
      </span>
      <span class="row-side">
        <Instant at={createdAt} />
        {acts.map((act) => (
          <button
            key={act}
            type="button"
            class="small"
            aria-label={`${text[act].verb} ${username}`}
            onClick={() => onAsk({ user, act })}
          >
            {text[act].verb}
          </button>
        ))}
      </span>
    </div>
  )
}
