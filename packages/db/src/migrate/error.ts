/** Why migrations can't be applied, in the three parts that the command line shows. */
export class MigrationError extends Error {
  readonly code:
    | 'migration_changed'
    | 'not_empty'
    | 'direct_ddl_refused'
    | 'lock_lost'
    | 'unknown_migration'
    | 'schema_differs'
    | 'dangling_references'
  readonly why: string
  readonly fix: string

  constructor(
    code: MigrationError['code'],
    parts: { readonly what: string; readonly why: string; readonly fix: string },
  ) {
    super(parts.what)
    this.name = 'MigrationError'
    this.code = code
    this.why = parts.why
    this.fix = parts.fix
  }
}
