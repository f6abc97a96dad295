// Forms: what is stored, as text; and what of it is sent again.
import { expect, test } from 'vitest'
import { CHECK, type Check, isPlain, lines, number, sent } from '../../src/screens/forms'

test.each([
  ['make', 'make'],
  [['npm ci', 'make'], 'npm ci\nmake'],
  [undefined, ''],
])('%j is shown as lines, which can be written', (stored, text) => {
  expect(isPlain(stored)).toBe(true)
  expect(lines(stored)).toBe(text)
  expect(sent('one\n\n  two ', stored)).toEqual(['one', 'two'])
  expect(sent('', stored)).toBeUndefined()
})

const SCRIPT = '#!/bin/bash\nset -e\nmake'
test.each([
  ['a script', SCRIPT, SCRIPT],
  ['a text with the line ends of another system', 'a\r\nb', 'a\r\nb'],
  ['a list with a script in it', ['npm ci', SCRIPT], JSON.stringify(['npm ci', SCRIPT], null, 2)],
  ['a table', { run: 'make', once: true }, '{\n  "run": "make",\n  "once": true\n}'],
  ['a list with a table', ['make', { template: 'reload@3' }], '[\n  "make",\n  {\n    "template": "reload@3"\n  }\n]'],
  // It says that nothing is inherited; no line says that.
  ['an empty list', [], '[]'],
])('%s is no field of lines, and is shown whole', (_, stored, text) => {
  expect(isPlain<unknown>(stored)).toBe(false)
  expect(lines<unknown>(stored)).toBe(text)
})

test.each([['make'], [['npm ci', 'make']], [SCRIPT], [['npm ci', SCRIPT]], [{ run: 'make', once: true }], [[]], [undefined], [[' npm ci ']]])('%j is sent as it is stored when nobody touches it', (stored) => {
  expect(sent<unknown>(lines<unknown>(stored), stored)).toBe(stored)
})

test('a health check is a line, unless it says more than where to ask', () => {
  const checks = [{ http: 'http://127.0.0.1/up' }, { command: 'test -e up' }]
  expect(lines(checks, CHECK)).toBe('http://127.0.0.1/up\ntest -e up')
  expect(sent('test -e up\nhttp://127.0.0.1/up', checks, CHECK)).toEqual([checks[1], checks[0]])
  const more: (Check | Check[])[] = [{ command: 'a', deadline: '9s' } as Check, [{ command: 'a\nb' }], []]
  for (const stored of more) {
    expect(isPlain(stored, CHECK)).toBe(false)
    expect(sent(lines(stored, CHECK), stored, CHECK)).toBe(stored)
  }
})

test.each([['22', 22], [' 5 ', 5], ['', ''], ['22a', '22a'], ['ten', 'ten'], ['-1', '-1']])('of what is typed as a number, %j, %j is sent', (text, value) => {
  expect(number(text)).toBe(value)
})
