import type { ArchiveRow } from '@millrace/db/archive/row'
import { checkDocument } from '@millrace/db/document'
import { writeJson } from '../json.ts'
import { workflowJson, workflowSchema } from '../routes/workflows/contract.ts'

/** Workflows that are read, spread over all. */
const mostRead = 200

/**
 * Looks at the workflows of an archive as they go by, through what the API answers them with: a function has no place to
 * restore them into.
 */
export class WorkflowDrill {
  readonly problems: string[] = []
  readonly #every: number
  #position = 0

  constructor(workflows: number) {
    this.#every = Math.max(1, Math.floor(workflows / mostRead))
  }

  add(row: ArchiveRow): void {
    if (this.#position % this.#every === 0 && !isAnswered(row)) {
      this.problems.push(`workflow ${JSON.stringify(row['id'])} can't be answered as it is in the archive`)
    }
    this.#position += 1
  }
}

/** Whether the API's answer is what its contract says, with the definition's exact text. */
function isAnswered(row: ArchiveRow): boolean {
  const definition = checkDocument(String(row['definition']))
  if (!definition.ok) return false
  const text = writeJson(
    workflowJson({
      id: String(row['id']),
      name: String(row['name']),
      description: row['description'] === null ? null : String(row['description']),
      definition: definition.text,
      ownerId: row['owner_id'] === null ? null : String(row['owner_id']),
      isPublic: row['is_public'] === true,
      versionNumber: Number(row['version_number']),
      revision: Number(row['revision']),
      permission: 'owner',
      createdAt: new Date(String(row['created_at'])),
      updatedAt: new Date(String(row['updated_at'])),
    }),
  )
  const answer: unknown = JSON.parse(text)
  return workflowSchema.safeParse(answer).success && text.includes(`"definition":${definition.text}`)
}
