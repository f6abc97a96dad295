// What a form sends of a thing that is stored: only what was changed.
import { expect, test } from 'vitest'
import { difference } from '../../src/screens/difference'

type Table = Record<string, unknown>

/** A merge patch as the server applies it (RFC 7396 section 2). */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const table: Table = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete table[key]
    else table[key] = merged(table[key], value)
  }
  return table
}

const cases: [string, Table, Table, Table | null][] = [
  ['nothing', { a: 1, b: ['x'], c: { d: 'y' } }, { c: { d: 'y' }, b: ['x'], a: 1 }, null],
  ['one value', { a: 1, b: 2 }, { a: 1, b: 3 }, { b: 3 }],
  ['a value that comes', {}, { a: 'x' }, { a: 'x' }],
  ['a value that goes', { a: 'x', b: 'y' }, { b: 'y' }, { a: null }],
  ['a list, which is sent whole', { a: ['x', 'y'] }, { a: ['y', 'x'] }, { a: ['y', 'x'] }],
  ['a list that becomes empty', { a: ['x'] }, { a: [] }, { a: [] }],
  ['keys of a table', { a: { b: 1, c: 2, d: 3 } }, { a: { b: 1, c: 4, e: 5 } }, { a: { c: 4, d: null, e: 5 } }],
  ['all keys of a table, and not the table itself', { a: { b: 1 } }, { a: {} }, { a: { b: null } }],
  ['tables in tables', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1 } } }, { a: { b: { d: null } } }],
  ['a table that becomes a list', { a: { b: 1 } }, { a: [{ b: 1 }] }, { a: [{ b: 1 }] }],
  ['a text that becomes a table', { a: 'x' }, { a: { b: 1 } }, { a: { b: 1 } }],
  ['names that every object has', { a: { constructor: 'x' } }, { a: { valueOf: 'y' } }, { a: { constructor: null, valueOf: 'y' } }],
]
test.each(cases)('of %s the patch says what was changed, and it makes the one out of the other', (_, before, after, patch) => {
  expect(difference(before, after)).toEqual(patch)
  expect(merged(before, patch ?? {})).toEqual(after)
})

test('what is said to be nothing is nothing', () => {
  expect(difference({ a: null, b: undefined }, {})).toBeNull()
  expect(difference({}, { a: null, b: undefined })).toBeNull()
  expect(difference({ a: 1 }, { a: undefined })).toEqual({ a: null })
})

test('what others changed meanwhile stays', () => {
  const loaded = { host: 'a', labels: { role: ['web'], old: ['x'] } }
  const theirs = { host: 'b', labels: { role: ['web'], old: ['x'], env: ['test'] } }
  const patch = difference(loaded, { ...loaded, labels: { role: ['db'] } })
  expect(merged(theirs, patch)).toEqual({ host: 'b', labels: { role: ['db'], env: ['test'] } })
})
