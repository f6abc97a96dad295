// Patches: cut into files, hunks and lines, with what is hidden in them shown.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { files, unquoted, visible } from '../../src/repository/patch'

/** What git itself writes about a repository before and after. */
function patch(before: (folder: string) => void, after: (folder: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'aweigh-patch-'))
  const git = (...words: string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' } })
  try {
    git('init', '-q')
    before(folder)
    git('add', '-A')
    git('commit', '-q', '--allow-empty', '-m', 'before')
    after(folder)
    git('add', '-A')
    git('commit', '-q', '--allow-empty', '-m', 'after')
    return git('diff', '--find-renames', 'HEAD~1', 'HEAD')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const lines = (count: number, change = (n: number): string => `line ${n}`): string => Array.from({ length: count }, (_, n) => `${change(n + 1)}\n`).join('')

test('a change has its hunks, and each line its number before and after', () => {
  const text = patch((folder) => writeFileSync(join(folder, 'a.txt'), lines(30)), (folder) => writeFileSync(join(folder, 'a.txt'), lines(30, (n) => (n === 2 ? 'two' : n === 25 ? 'new\nline 25' : `line ${n}`))))
  const one = files(text).get('a.txt')
  expect(one?.isBinary).toBe(false)
  expect(one?.hunks).toHaveLength(2)
  expect(one?.hunks[0]?.lines).toEqual([
    { sign: ' ', text: 'line 1', before: 1, after: 1 }, { sign: '-', text: 'line 2', before: 2, after: null }, { sign: '+', text: 'two', before: null, after: 2 },
    { sign: ' ', text: 'line 3', before: 3, after: 3 }, { sign: ' ', text: 'line 4', before: 4, after: 4 }, { sign: ' ', text: 'line 5', before: 5, after: 5 },
  ])
  expect(one?.hunks[1]?.lines.find((line) => line.sign === '+')).toEqual({ sign: '+', text: 'new', before: null, after: 25 })
  expect(one?.hunks[1]?.lines.at(-1)).toEqual({ sign: ' ', text: 'line 27', before: 27, after: 28 })
})

test('files that come, go, move, change their mode, have no text or an odd name are all there', () => {
  const text = patch((folder) => {
    writeFileSync(join(folder, 'gone'), 'x')
    writeFileSync(join(folder, 'old name'), lines(20))
    writeFileSync(join(folder, 'tool'), '#!/bin/sh\n')
    writeFileSync(join(folder, 'picture'), Buffer.from([0, 1, 2, 3]))
    writeFileSync(join(folder, 'kind'), 'file\n')
  }, (folder) => {
    rmSync(join(folder, 'gone'))
    renameSync(join(folder, 'old name'), join(folder, 'new name'))
    chmodSync(join(folder, 'tool'), 0o755)
    writeFileSync(join(folder, 'picture'), Buffer.from([0, 9, 9]))
    rmSync(join(folder, 'kind'))
    symlinkSync('gone', join(folder, 'kind'))
    writeFileSync(join(folder, '界 "q"\t\n'), 'diff --git a/x b/x\n@@ -1 +1 @@\n')
    writeFileSync(join(folder, 'empty'), '')
  })
  const found = files(text)
  expect([...found.keys()].sort()).toEqual(['empty', 'gone', 'kind', 'new name', 'picture', 'tool', '界 "q"\t\n'].sort())
  expect(found.get('gone')?.hunks[0]?.lines).toEqual([{ sign: '-', text: 'x', before: 1, after: null, isOpen: true }])
  expect(found.get('picture')?.isBinary).toBe(true)
  expect(found.get('tool')?.hunks).toEqual([])
  expect(found.get('new name')?.hunks).toEqual([])
  expect(found.get('kind')?.hunks.map((hunk) => hunk.lines[0]?.text)).toEqual(['file', 'gone'])
  // What a file says is not taken for the patch itself.
  expect(found.get('界 "q"\t\n')?.hunks[0]?.lines.map((line) => line.text)).toEqual(['diff --git a/x b/x', '@@ -1 +1 @@'])
})

test('a patch that was cut off, or is none, gives what is whole', () => {
  const text = patch((folder) => writeFileSync(join(folder, 'a'), lines(5)), (folder) => writeFileSync(join(folder, 'a'), lines(9)))
  for (let at = 0; at <= text.length; at += 3) expect(files(text.slice(0, at)).size).toBeLessThanOrEqual(1)
  expect(files('').size).toBe(0)
  expect(files('nothing\n@@ -1 +1 @@\n+x\n').size).toBe(0)
})

test.each([['"a/\\347\\225\\214"', 'a/界'], ['"a\\tb\\"c\\\\"', 'a\tb"c\\'], ['plain', 'plain'], ['with space\t', 'with space'], ['"', '"']])('%j is the path %j', (quoted, path) => {
  expect(unquoted(quoted)).toBe(path)
})

test.each([['a\tb', 'a\tb'], ['\x1b[31m', '␛[31m'], ['end\r', 'end␍'], ['\u202eevil\u2066', '⟨U+202E⟩evil⟨U+2066⟩'], ['<b>', '<b>'], ['x\u200by', 'x⟨U+200B⟩y']])('%j is shown as %j', (line, shown) => {
  expect(visible(line)).toBe(shown)
})

test('a long line is cut, and says so', () => {
  expect(visible('x'.repeat(5_000))).toBe(`${'x'.repeat(2_000)} … +3000`)
})
