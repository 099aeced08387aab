/** The revisions that a change may be made on, or any. */
export type IfRevision = readonly number[] | 'any'
