// The log of a step, read in parts and told by facts in between.
import { expect, test } from 'vitest'
import type { LogFact } from '../../src/api/types'
import { type Piece, Tail } from '../../src/release/tail'

/** A log that grows, and a screen of it; the test says when an answer comes, which holds what was there when it was asked for. */
function watched(log = '') {
  const asked: { query: Record<string, number>; answer: () => void; refuse: () => void }[] = []
  const seen = { text: '', at: -1, dropped: 0, trouble: undefined as unknown }
  const ask = (query: Record<string, number>) => new Promise<Piece>((done, failed) => {
    const from = query.tail === undefined ? (query.from ?? 0) : Math.max(0, log.length - query.tail)
    const piece = { text: log.slice(from), size: log.length - from, total: log.length }
    asked.push({ query, answer: () => done(piece), refuse: () => failed(new Error('offline')) })
  })
  const tail = new Tail(ask, {
    start: (text, at) => Object.assign(seen, { text, at }), more: (text) => { seen.text += text },
    dropped: (bytes) => { seen.dropped += bytes }, trouble: (problem) => { seen.trouble = problem },
  })
  /** The step writes; its fact comes with the text, or without. */
  const write = (text: string, isTold = true): void => {
    const fact: LogFact = { node: 'build', offset: log.length, bytes: text.length, text: isTold ? text : undefined }
    log += text
    tail.tell(fact)
  }
  return { asked, seen, tail, write, log: () => log }
}
const settled = () => new Promise((done) => setTimeout(done))

test('facts that come while the end is read are drawn after it, once', async () => {
  const { asked, seen, tail, write } = watched('0123456789')
  void tail.end(4)
  await settled()
  expect(asked[0]?.query).toEqual({ tail: 4 })
  write('ab')
  write('cd')
  asked[0]?.answer()
  await settled()
  expect(seen).toMatchObject({ text: '6789abcd', at: 6 })
  expect(asked).toHaveLength(1)
})

test('of facts without text nothing is missing, also when they come while the text of others is read', async () => {
  const { asked, seen, tail, write, log } = watched()
  void tail.end(100)
  await settled()
  // Nothing was there when it was asked for.
  write('one ', false)
  asked[0]?.answer()
  await settled()
  expect(asked[1]?.query).toEqual({ from: 0 })
  write('two ', false)
  write('three ', false)
  asked[1]?.answer()
  await settled()
  expect(asked[2]?.query).toEqual({ from: 4 })
  write('the end')
  asked[2]?.answer()
  await settled()
  expect(seen.text).toBe(log())
  expect(asked).toHaveLength(3)
})

test('while everything is read anew, facts wait', async () => {
  const { asked, seen, tail, write, log } = watched('0123456789')
  void tail.end(4)
  await settled()
  asked[0]?.answer()
  await settled()
  void tail.whole()
  await settled()
  write('ab')
  asked[1]?.answer()
  await settled()
  write('cd')
  expect(seen).toMatchObject({ text: log(), at: 0 })
})

test('one part is read after another', async () => {
  const { asked, seen, tail, write, log } = watched('0123456789')
  void tail.end(4)
  await settled()
  asked[0]?.answer()
  await settled()
  write('ab', false)
  void tail.whole()
  await settled()
  expect(asked).toHaveLength(2)
  asked[1]?.answer()
  await settled()
  write('cd')
  asked[2]?.answer()
  await settled()
  expect(seen).toMatchObject({ text: log(), at: 0 })
})

test('what cannot be read is told, is not asked for without end, and comes with the next fact', async () => {
  const { asked, seen, tail, write, log } = watched()
  void tail.end(100)
  await settled()
  asked[0]?.answer()
  await settled()
  write('one ', false)
  await settled()
  asked[1]?.refuse()
  await settled()
  expect([asked.length, seen.trouble]).toEqual([2, new Error('offline')])
  write('two')
  await settled()
  asked[2]?.answer()
  await settled()
  expect([seen.text, seen.trouble]).toEqual([log(), undefined])
})

test('what was left out is told where it was', async () => {
  const { asked, seen, tail, write } = watched()
  void tail.end(100)
  await settled()
  asked[0]?.answer()
  await settled()
  write('some')
  tail.tell({ node: 'build', offset: 4, bytes: 0, dropped: 7 })
  expect(seen).toMatchObject({ text: 'some', dropped: 7 })
  // After something that is not read yet.
  tail.tell({ node: 'build', offset: 9, bytes: 0, dropped: 1 })
  expect(seen.dropped).toBe(7)
})
