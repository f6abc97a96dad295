// Both languages say everything, say it differently, and say nothing that nobody reads.
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test, vi } from 'vitest'
import { en } from '../../src/i18n/en'
import { zh } from '../../src/i18n/zh'

vi.stubGlobal('document', { documentElement: { lang: 'en', dataset: {} }, cookie: '' })
const later = await import('../../src/i18n/later')
const tools = await import('../../src/i18n/tools')

function words(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([key, inner]) => words(inner, `${path}.${key}`))
}

test.each([['at first', en, zh], ['later', later.en, later.zh], ['of the toolbox', tools.en, tools.zh]])('no message is missing or empty, in either language: %s', (_, one, other) => {
  const [first, second] = [new Map(words(one)), new Map(words(other))]
  expect([...second.keys()].sort()).toEqual([...first.keys()].sort())
  for (const [path, text] of [...first, ...second]) expect(text, path).not.toBe('')
  const same = [...first].filter(([path, text]) => typeof text === 'string' && /[a-z]{4}/i.test(text) && second.get(path) === text).map(([path]) => path)
  // What is the same in every language: names, commands, keys.
  expect(same.filter((path) => !/Command$|keys\.list|trustCommand/.test(path))).toEqual([])
})

/** All that the page is made of, but the words themselves. */
const sources = (readdirSync(resolve(import.meta.dirname, '../../src'), { recursive: true }) as string[])
  .filter((path) => /\.(svelte|ts)$/.test(path) && !/i18n.(en|zh|later|tools)\.ts$/.test(path))
  .map((path) => readFileSync(join(import.meta.dirname, '../../src', path), 'utf8')).join('\n')

test.each([['t', en], ['later', later.en], ['tools', tools.en]])('every word of %s() is read somewhere', (speaks, messages) => {
  const unread = Object.entries(messages).flatMap(([group, inner]) => {
    if (typeof inner !== 'object') return []
    // A group that is handed on whole is read by its keys.
    const isHandedOn = new RegExp(`\\b${speaks}\\(\\)\\.${group}\\b(?!\\.)`).test(sources)
    const isRead = (key: string): boolean => new RegExp(`\\b${speaks}\\(\\)\\.${group}\\.${key}\\b`).test(sources) || (isHandedOn && new RegExp(`\\b${key}\\b`).test(sources))
    return Object.keys(inner).filter((key) => !isRead(key)).map((key) => `${group}.${key}`)
  })
  expect(unread).toEqual([])
})
