import { expect, test } from 'vitest'
import { chunksOf, limitsOfImport, type CheckedFile } from './write.ts'

const file = (bytes: number): CheckedFile => ({
  source: { shown: 'x', path: '/x' },
  name: 'x',
  bytes,
  sha256: '',
})
const sizes = (files: readonly CheckedFile[]) => chunksOf(files).map((chunk) => chunk.length)

test('up to 100 files of 8 MiB are one batch', () => {
  expect(sizes([])).toEqual([])
  expect(sizes(Array.from({ length: 100 }, () => file(1000)))).toEqual([100])
  expect(sizes(Array.from({ length: 201 }, () => file(1)))).toEqual([100, 100, 1])
  expect(sizes(Array.from({ length: 8 }, () => file(1024 * 1024)))).toEqual([8])
})

test('more bytes are more batches, and a file larger than a batch is one of its own', () => {
  expect(sizes([file(1), file(20_000_000), file(1), file(1)])).toEqual([1, 1, 2])
})

test('a batch takes half of what a statement may have, and no file more than a row has room for', () => {
  const d1 = { maxParameters: 100, maxBatchStatements: 500, maxStatementBytes: 2_000_000, maxRowBytes: 2_000_000 }
  expect(limitsOfImport(d1)).toEqual({ chunkBytes: 1_000_000, maxFileBytes: 1_900_000 })
  const { maxRowBytes: _none, ...others } = { ...d1, maxStatementBytes: 1_000_000_000 }
  expect(limitsOfImport(others)).toEqual({ chunkBytes: 8 * 1024 * 1024, maxFileBytes: undefined })
})
