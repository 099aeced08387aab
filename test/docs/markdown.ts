import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceRoot } from '../workspace.ts'

/** A fenced block. `info` is what stands behind its opening fence: `bash`, `bash tour`. */
export interface Block {
  readonly info: string
  readonly text: string
}

export interface Page {
  /** From the root of the workspace. */
  readonly path: string
  readonly blocks: readonly Block[]
  /** What stands outside of fenced blocks. */
  readonly prose: string
  /** Code spans of the prose. */
  readonly spans: readonly string[]
}

/** The pages for users, and those of the decisions, which only have to link well. */
export function readPages(): { readonly guides: readonly Page[]; readonly decisions: readonly Page[] } {
  const markdownOf = (directory: string) =>
    readdirSync(join(workspaceRoot, directory))
      .filter((name) => name.endsWith('.md'))
      .map((name) => readPage(join(directory, name)))
  return { guides: [...markdownOf('.'), ...markdownOf('docs')], decisions: markdownOf('docs/adr') }
}

export function readPage(path: string): Page {
  return parsePage(path, readFileSync(join(workspaceRoot, path), 'utf8'))
}

export function parsePage(path: string, markdown: string): Page {
  const fenced = /^( *)```([^\n]*)\n(.*?)^\1```$/gms
  const blocks = [...markdown.matchAll(fenced)].map(([, indent = '', info = '', text = '']) => ({
    info: info.trim(),
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
  const prose = markdown.replaceAll(fenced, '')
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll(/\s+/g, ' '))
  return { path, blocks, prose, spans }
}

/** The commands of a page, one an element, with continued lines joined and without comments. */
export function commandsOf({ blocks, spans }: Page): readonly string[] {
  const lines = blocks
    .filter(({ info }) => info.split(' ')[0] === 'bash')
    .flatMap(({ text }) => text.replaceAll('\\\n', ' ').split('\n'))
  return [...lines, ...spans].map((line) => line.replace(/(?:^|\s)#.*/, '').trim()).filter((line) => line !== '')
}

/** What a heading is linked by, as GitHub makes it. */
export function anchorsOf({ prose }: Page): ReadonlySet<string> {
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
