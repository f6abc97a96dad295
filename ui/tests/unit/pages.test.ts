// Lists that come in pages.
import { expect, test } from 'vitest'
import type { Page } from '../../src/api/types'
import { Pages } from '../../src/ui/pages.svelte'

/** A list whose answers are given by the test, in any order. */
function asked() {
  const calls: { before: number | null; answer: (page: Page<number>) => void; refuse: (error: Error) => void }[] = []
  const pages = new Pages<number>((before) => new Promise((answer, refuse) => calls.push({ before, answer, refuse })))
  // A screen asks by itself, and again when what it depends on changes.
  const ask = (): void => { void pages.load.again() }
  ask()
  return { calls, pages, ask }
}
const settled = () => new Promise((done) => setTimeout(done))

test('pages follow each other, each asked for once, until there is none', async () => {
  const { calls, pages } = asked()
  calls[0]?.answer({ items: [9, 8], next: 8 })
  await settled()
  expect([pages.load.value, pages.isMore]).toEqual([[9, 8], true])
  void pages.more()
  void pages.more()
  expect(calls.map((one) => one.before)).toEqual([null, 8])
  calls[1]?.answer({ items: [7], next: null })
  await settled()
  expect([pages.older, pages.isMore]).toEqual([[7], false])
  void pages.more()
  expect(calls).toHaveLength(2)
})

test('a page of the list before never gets into the next one', async () => {
  const { calls, pages, ask } = asked()
  calls[0]?.answer({ items: [9], next: 9 })
  await settled()
  void pages.more()
  ask()
  calls[2]?.answer({ items: [5], next: 5 })
  await settled()
  calls[1]?.answer({ items: [8], next: 8 })
  await settled()
  expect([pages.load.value, pages.older]).toEqual([[5], []])
  void pages.more()
  expect(calls.at(-1)?.before).toBe(5)
})

test('a page that does not come is told, and can be asked for again', async () => {
  const { calls, pages } = asked()
  calls[0]?.answer({ items: [9], next: 9 })
  await settled()
  void pages.more()
  calls[1]?.refuse(new Error('away'))
  await settled()
  expect([pages.error, pages.older, pages.isMore]).toEqual([new Error('away'), [], true])
  void pages.more()
  calls[2]?.answer({ items: [8] })
  await settled()
  expect([pages.error, pages.older, pages.isMore]).toEqual([undefined, [8], false])
})
