/** Of most file systems, in bytes; `.json` and a number have their place in it. */
const longestBytes = 240

const encoder = new TextEncoder()

/**
 * A file name for each workflow, in order, all different also where a file system ignores case: its name, with `_` for
 * what no file name can hold, and ` (2)` behind the second of two that are alike.
 */
export function fileNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    const stem = stemOf(name)
    for (let number = 1; ; number += 1) {
      const file = `${stem}${number === 1 ? '' : ` (${number})`}.json`
      const key = file.normalize('NFC').toLowerCase()
      if (taken.has(key)) continue
      taken.add(key)
      return file
    }
  })
}

/** `import` leaves out hidden files, and reads names that end in `.json`. */
function stemOf(name: string): string {
  const safe = name
    // oxlint-disable-next-line no-control-regex -- they are what is meant
    .replaceAll(/[\u0000-\u001F\u007F/\\:*?"<>|]/g, '_')
    .replace(/^\./, '_')
    .replace(/[. ]+$/, (end) => '_'.repeat(end.length))
  return shortened(safe === '' ? '_' : safe)
}

function shortened(stem: string): string {
  let bytes = 0
  let kept = ''
  for (const character of stem) {
    bytes += encoder.encode(character).length
    if (bytes > longestBytes) break
    kept += character
  }
  return kept
}
