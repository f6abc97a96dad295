// Hook templates: what the form shows and sends, what a list shows, where one can be tried, and what it wrote.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { BoardRow, TemplateSpec } from '../../src/api/types'
import { runs } from '../../src/screens/output'
import { choose, firstLine, spec, written } from '../../src/screens/template'
import { VARIABLES } from '../../src/screens/variables'

test('what a form was filled with is sent as it was, and what is empty is not sent', () => {
  const all: TemplateSpec = { about: 'Reloads PHP', run: '#!/bin/sh\nreload', timeout: '1m', idle_timeout: '10s', allow_failure: true, rerun: 'safe' }
  expect(spec(written('reload', all))).toEqual(all)
  expect(spec(written('reload', { run: 'reload' }))).toEqual({ run: 'reload' })
  expect(spec(written('reload', { run: 'reload', allow_failure: false, rerun: 'never', timeout: null }))).toEqual({ run: 'reload' })
})

test.each([
  ['systemctl reload x', 'systemctl reload x'], ['\n  a\nb', 'a'], ['#!/bin/bash\n# why\n\nset -e\nb', 'set -e'], ['# only\n# words', '# only'], ['', ''],
])('of %j a list shows %j', (run, shown) => {
  expect(firstLine(run)).toBe(shown)
})

test('a template can be tried on the servers of an environment, where something is live at first', () => {
  const row = (project: string, environment: string, servers: string[], live: boolean) => ({ project, environment, servers, live: live ? {} : null }) as BoardRow
  const board = [row('blog', 'live', ['web-1'], false), row('shop', 'idle', ['web-1', 'web-2'], false), row('shop', 'live', ['web-2', 'web-3'], true), row('void', 'live', [], true)]
  const nowhere = { project: '', environment: '', server: '' }
  expect(choose(board, nowhere)).toEqual({
    projects: ['blog', 'shop'], project: 'shop', environments: ['idle', 'live'], environment: 'live', servers: ['web-2', 'web-3'], server: 'web-2', live: true,
  })
  expect(choose(board, { project: 'shop', environment: 'idle', server: 'web-2' })).toMatchObject({ environment: 'idle', server: 'web-2', live: false })
  // What is not there is chosen anew.
  expect(choose(board, { project: 'shop', environment: 'live', server: 'web-1' })).toMatchObject({ environment: 'live', server: 'web-2' })
  expect(choose(board, { project: 'blog', environment: 'idle', server: 'web-9' })).toMatchObject({ project: 'blog', environment: 'live', server: 'web-1', live: false })
  expect(choose(board, { project: 'void', environment: 'live', server: '' })).toMatchObject({ project: 'shop' })
  expect(choose([], nowhere)).toMatchObject({ project: '', environment: '', server: '', servers: [], live: false })
})

test('output is text in the colours of a terminal, and as few pieces as it has colours', () => {
  expect(runs('one\ntwo\n\nthree')).toEqual([{ text: 'one\ntwo\n\nthree\n', style: '' }])
  expect(runs('\x1b[32mgreen\x1b[0m and <b>plain</b>\n')).toEqual([{ text: 'green', style: 'c-green' }, { text: ' and <b>plain</b>\n', style: '' }])
  expect(runs('10%\r100%\n\x1b]0;title\x07end')).toEqual([{ text: '100%\nend\n', style: '' }])
  expect(runs(`${'x'.repeat(8_010)}\n`).map((run) => run.text.length)).toEqual([8_000, ' … +10'.length, 1])
})

test('the page names the variables that the manual names', () => {
  const manual = readFileSync(resolve(import.meta.dirname, '../../../docs/manual.md'), 'utf8')
  const table = /\| variable \| example \|\n\|---\|---\|\n((?:\|.*\|\n)+)/.exec(manual)?.[1] ?? ''
  const told = table.trimEnd().split('\n').map((row) => row.split('|')[1]?.match(/AWEIGH_\w+/g) ?? [])
  expect(VARIABLES.map(([names]) => names)).toEqual(told)
})
