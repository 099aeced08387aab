import { expect, test } from 'vitest'
import { hasSnapshotIsolation, setUpStatement } from './mysql-connection.ts'

test.each([
  ['5.5.5-10.11.19-MariaDB-0+deb12u1', true],
  ['10.11.8-MariaDB', true],
  ['10.11.7-MariaDB', false],
  ['10.6.17-MariaDB', false],
  ['10.6.18-MariaDB', true],
  ['10.9.8-MariaDB', false],
  ['11.4.1-MariaDB', false],
  ['11.4.2-MariaDB', true],
  ['11.8.9-MariaDB-0+deb13u1 from Debian', true],
  ['12.0.1-MariaDB', true],
  ['8.4.6', false],
  ['9.7.4-2', false],
])('%s knows snapshot isolation: %s, and it is turned off where it is known', (version, isKnown) => {
  expect(hasSnapshotIsolation(version)).toBe(isKnown)
  expect(setUpStatement(version).includes('SESSION innodb_snapshot_isolation = 0')).toBe(isKnown)
})
