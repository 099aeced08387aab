import type { Workflow } from '@millrace/client'
import { Dialog } from '../../parts/dialog.tsx'
import { later } from '../../parts/later.tsx'
import { words } from '../../words.ts'

const TextComparison = later(
  () => import('../../editor/text-comparison.tsx').then(({ TextComparison: component }) => component),
  { classes: 'editor comparison' },
)

const text = words.conflict

interface ConflictProps {
  readonly theirs: Workflow
  readonly mine: string
  readonly onTakeTheirs: (theirs: Workflow) => void
  readonly onKeepMine: (theirs: Workflow) => void
  readonly onBack: () => void
}

/** Someone else saved in between: theirs beside mine, and nothing is lost before one has chosen. */
export function Conflict({ theirs, mine, onTakeTheirs, onKeepMine, onBack }: ConflictProps) {
  return (
    <Dialog title={text.title} onClose={onBack}>
      <p>{text.explanation(theirs.versionNumber)}</p>
      <TextComparison from={theirs.definition} to={mine} fromLabel={text.theirs} toLabel={text.mine} />
      <div class="actions">
        <button type="button" onClick={onBack}>
          {text.back}
        </button>
        <button type="button" onClick={() => onTakeTheirs(theirs)}>
          {text.takeTheirs}
        </button>
        <button type="button" class="primary" onClick={() => onKeepMine(theirs)}>
          {text.keepMine(theirs.versionNumber + 1)}
        </button>
      </div>
    </Dialog>
  )
}
