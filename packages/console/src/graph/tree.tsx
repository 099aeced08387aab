import { useState } from 'preact/hooks'
import { words } from '../words.ts'
import { isMembers, type Path } from './graph.ts'

interface TreeProps {
  readonly value: unknown
  readonly onSelect?: ((path: Path) => void) | undefined
}

const mostChildren = 200

/** A document of unknown shape: each member can be opened. */
export function Tree({ value, onSelect }: TreeProps) {
  return (
    <section class="tree" aria-label={words.graph.tree}>
      <Branches value={value} path={[]} onSelect={onSelect} />
    </section>
  )
}

interface BranchProps extends TreeProps {
  readonly path: Path
}

function Branches({ value, path, onSelect }: BranchProps) {
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(isMembers(value) ? value : {})
  return (
    <ul>
      {entries.slice(0, mostChildren).map(([name, child]) => (
        <li key={name}>
          <Branch name={String(name)} value={child} path={[...path, name]} onSelect={onSelect} />
        </li>
      ))}
      {entries.length > mostChildren ? <li class="faint">{words.graph.more(entries.length - mostChildren)}</li> : null}
    </ul>
  )
}

function Branch({ name, value, path, onSelect }: BranchProps & { readonly name: string }) {
  const [isOpen, setOpen] = useState(path.length < 2)
  if (!isContainer(value)) {
    return (
      <button type="button" class="leaf" onClick={() => onSelect?.(path)}>
        <span class="tree-name">{name}</span> <span class="tree-value">{JSON.stringify(value)}</span>
      </button>
    )
  }
  const count = Array.isArray(value) ? value.length : Object.keys(value).length
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary onClick={() => onSelect?.(path)}>
        <span class="tree-name">{name}</span>{' '}
        <span class="faint">{Array.isArray(value) ? `[${count}]` : `{${count}}`}</span>
      </summary>
      {isOpen ? <Branches value={value} path={path} onSelect={onSelect} /> : null}
    </details>
  )
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
