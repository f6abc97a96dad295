// Both languages say everything, and say it differently.
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
  expect(same.filter((path) => !/nav\.label|Command$|keys\.list|trustCommand/.test(path))).toEqual([])
})
