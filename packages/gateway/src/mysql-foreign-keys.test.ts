import { expect, it } from 'vitest'
import { hasForeignKeyDdl } from './mysql-foreign-keys.ts'

it.each([
  'create table c (p int references t (id))',
  'CREATE TABLE c (p int, FOREIGN\n KEY (p) REFERENCES t (id))',
  'alter table c add constraint x foreign key (p) references t (id)',
  `create table c (a varchar(9) default 'it''s \\' ', p int references t (id))`,
])('%s declares a foreign key', (sql) => {
  expect(hasForeignKeyDdl(sql)).toBe(true)
})

it.each([
  'create table c (p int)',
  `create table c (p int comment 'references t (id), it''s \\' foreign key')`,
  'create table c (`references` int) -- foreign key',
  'create table c (p int) /* foreign key (p) */',
  `insert into t values ('create table c (p int references t)')`,
  'alter table c drop column p',
])('%s does not', (sql) => {
  expect(hasForeignKeyDdl(sql)).toBe(false)
})

it('looks through a megabyte in time', () => {
  expect(hasForeignKeyDdl(`create table c (p int comment '${"it''s \\' ".repeat(150_000)}')`)).toBe(false)
})
