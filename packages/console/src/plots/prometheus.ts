/** The values of a scrape by the names of their metrics, summed over their labels. */
export type Samples = ReadonlyMap<string, number>

/** Reads the Prometheus text format. */
export function readSamples(text: string): Samples {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? ([^ ]+)/.exec(line) ?? []
    const number = Number(value)
    if (name !== undefined && Number.isFinite(number)) samples.set(name, (samples.get(name) ?? 0) + number)
  }
  return samples
}

export function sumOf(samples: Samples, name: string): number | null {
  return samples.get(name) ?? null
}
