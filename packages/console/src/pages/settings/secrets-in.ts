/** A sealed value of the settings: where it stands, and as much of it as is shown. */
export interface SealedSecret {
  /** A JSON Pointer into the document. */
  readonly pointer: string
  readonly hint: string
}

export function secretsIn(data: string): readonly SealedSecret[] {
  const secrets: SealedSecret[] = []
  collect(JSON.parse(data), '')
  return secrets

  function collect(value: unknown, pointer: string): void {
    if (typeof value !== 'object' || value === null) return
    const sealed = '$secret' in value ? value.$secret : undefined
    if (typeof sealed === 'object' && sealed !== null && 'hint' in sealed) {
      secrets.push({ pointer, hint: String(sealed.hint) })
      return
    }
    for (const [name, child] of Object.entries(value)) collect(child, `${pointer}/${escaped(name)}`)
  }
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** A merge patch that sets one secret and leaves the rest. */
export function patchOf(pointer: string, secret: unknown): string {
  const names = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return names.reduceRight((inner, name) => `{${JSON.stringify(name)}:${inner}}`, JSON.stringify(secret))
}
