// Completion of selectors.
import { expect, test, vi } from 'vitest'
import type { ServerSpec } from '../../src/api/types'

vi.stubGlobal('document', { documentElement: { lang: 'en', dataset: {} }, cookie: '' })
const { fitting, named, open, terms } = await import('../../src/fleet/selector')

const servers = [
  { name: 'web-10', labels: { role: 'web', env: 'production' } }, { name: 'web-2', labels: { role: ['web', 'db'] } }, { name: 'spare' },
] as unknown as ServerSpec[]

test.each([
  ['', '', ''], ['ro', '', 'ro'], ['role=web&', 'role=web&', ''], ['a, b&c', 'a, b&', 'c'], ['a,  we', 'a,  ', 'we'], ['env=a,role!=b', 'env=a,', 'role!=b'],
])('of %j the open term is behind %j', (selector, before, term) => {
  expect(open(selector)).toEqual({ before, term })
})

test('all that can be meant is offered, with how many servers it means', () => {
  expect(terms(servers, [{ name: 'web', servers: ['web-2', 'web-10'] }]).map((one) => [one.text, one.servers])).toEqual([
    ['all', 3], ['@web', 2], ['env=production', 1], ['role=db', 1], ['role=web', 2], ['spare', 1], ['web-2', 1], ['web-10', 1],
  ])
})

test('what begins with what is written comes first, and what is whole needs no help', () => {
  const all = terms(servers)
  const texts = (selector: string): string[] => fitting(all, selector).map((one) => one.text)
  expect(texts('we')).toEqual(['web-2', 'web-10', 'role=web'])
  expect(texts('spare,RO')).toEqual(['role=db', 'role=web', 'env=production'])
  expect(texts('spare')).toEqual([])
  expect(texts('nothing like it')).toEqual([])
  expect(fitting(all, '', 2)).toHaveLength(2)
})

test('servers that are named are meant, and nobody else', () => {
  expect([named(['web-2']), named(['web-2', 'web-10'])]).toEqual(['web-2', 'web-2,web-10'])
})
