/*
 * MySQL takes 'a' and 'a ' for the same, in comparison and in unique keys. A text that people choose and that has to be
 * told from every other ends in no space in the database: what would, or ends like what is kept so, is given an end.
 */

const end = '\u0001'

export function unpadded(text: string): string {
  return text.endsWith(' ') || text.endsWith(end) ? text + end : text
}

export function asGiven(text: string): string {
  return text.endsWith(end) ? text.slice(0, -1) : text
}
