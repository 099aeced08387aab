const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * JSON with its members on lines of their own; every token stays as it is spelt (`10.50`, escapes). For documents whose white
 * space is not kept: settings.
 */
export function indented(json: string): string {
  let text = ''
  let depth = 0
  let last = ''
  const line = (): string => `\n${'  '.repeat(depth)}`
  for (const [part] of json.matchAll(token)) {
    if (part === '}' || part === ']') {
      depth -= 1
      text += last === '{' || last === '[' ? part : `${line()}${part}`
    } else {
      if (last === '{' || last === '[' || last === ',') text += line()
      text += part === ':' ? ': ' : part
      if (part === '{' || part === '[') depth += 1
    }
    last = part
  }
  return text
}
