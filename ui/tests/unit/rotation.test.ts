// A key that is replaced on many servers: what is said of each, and when it is over.
import { expect, test, vi } from 'vitest'
import type { RotateAnswer } from '../../src/api/types'

vi.stubGlobal('document', { documentElement: { lang: 'en', dataset: {} }, cookie: '' })
const { isOver, rows } = await import('../../src/screens/rotation')

const answer = (replaced: boolean, ...servers: RotateAnswer['servers']): RotateAnswer => ({ public_key: 'ssh-ed25519 AAAA', replaced, servers })

test('before it begins every server lets in the old key, and while it runs nobody knows', () => {
  expect(rows(['web-10', 'web-2'], null, false)).toEqual([{ name: 'web-2', status: 'pending', state: 'old' }, { name: 'web-10', status: 'pending', state: 'old' }])
  const stuck = answer(false, { name: 'web-2', state: 'old', trouble: 'it does not answer' })
  expect(rows(['web-2'], stuck, true)).toEqual([{ name: 'web-2', status: 'running', state: 'old' }])
})

test('a server that holds it up says why, and the others wait for it', () => {
  const stuck = answer(false, { name: 'a', state: 'both' }, { name: 'b', state: 'old', trouble: 'it does not answer' })
  // A server that was added meanwhile is told, too.
  expect(rows(['b'], stuck, false).map((one) => [one.name, one.status, one.trouble])).toEqual([['a', 'pending', undefined], ['b', 'failed', 'it does not answer']])
  const left = answer(true, { name: 'a', state: 'new' }, { name: 'b', state: 'both', trouble: 'it does not answer' })
  expect(rows(['a', 'b'], left, false).map((one) => one.status)).toEqual(['ok', 'warning'])
})

test('it is over when the new key is in use, and the old one is let in nowhere', () => {
  expect([null, answer(false), answer(true, { name: 'a', state: 'both' }), answer(true, { name: 'a', state: 'new' }), answer(true)].map(isOver)).toEqual([false, false, false, true, true])
})
