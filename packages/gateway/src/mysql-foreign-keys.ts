/** Quoted text and comments, in which a word means nothing. */
const quotedOrComment =
  /'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'|"[^"\\]*(?:(?:\\[\s\S]|"")[^"\\]*)*"|`[^`]*`|\/\*[\s\S]*?\*\/|(?:--\s|#)[^\n]*/gu

/** True for DDL that declares a foreign key, which PlanetScale refuses unless the database allows it. */
export function hasForeignKeyDdl(sql: string): boolean {
  if (!/^\s*(?:create|alter)\b/iu.test(sql)) return false
  const words = sql.replace(quotedOrComment, ' ')
  return /\btable\b/iu.test(words) && /\bforeign\s+key\b|\breferences\b/iu.test(words)
}
