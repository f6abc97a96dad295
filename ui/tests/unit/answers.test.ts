// What many servers answer: joined as it comes, bounded, and in the end grouped.
import { expect, test, vi } from 'vitest'
import type { RunLine } from '../../src/api/types'

vi.stubGlobal('document', { documentElement: { lang: 'en', dataset: {} }, cookie: '', hidden: false })
const { Answers, groups } = await import('../../src/fleet/answers.svelte')

/** Takes lines, and draws once behind all of them. */
function taken(servers: string[], ...lines: RunLine[]) {
  const frames: (() => void)[] = []
  const answers = new Answers(servers, (draw) => frames.push(draw))
  for (const line of lines) answers.take(line)
  expect(frames.length).toBe(lines.length > 0 ? 1 : 0)
  frames[0]?.()
  return answers
}
const of = (answers: ReturnType<typeof taken>, name: string) => answers.all.find((one) => one.name === name)

test('pieces of one stream are one, in the order in which they came', () => {
  const answers = taken(['web-10', 'web-2'],
    { server: 'web-2', started: true }, { server: 'web-2', stdout: 'a' }, { server: 'web-2', stdout: 'b\n' }, { server: 'web-2', stderr: 'oh\n' }, { server: 'web-2', stdout: 'c\n' },
    { server: 'web-2', exit: 3 }, { done: { ok: 0, failed: 1 } })
  expect(answers.all.map((one) => one.name)).toEqual(['web-2', 'web-10'])
  expect(of(answers, 'web-2')).toMatchObject({ state: 'failed', exit: 3, last: 'c', pieces: [{ stream: 'stdout', text: 'ab\n' }, { stream: 'stderr', text: 'oh\n' }, { stream: 'stdout', text: 'c\n' }] })
  expect(of(answers, 'web-10')).toMatchObject({ state: 'pending', pieces: [] })
  expect(answers.done).toEqual({ ok: 0, failed: 1 })
  // A server that nobody named before is there, too, and what had not ended is told as stopped.
  answers.take({ server: 'db-1', started: true })
  answers.stop()
  expect(answers.all.map((one) => [one.name, one.state])).toEqual([['db-1', 'cancelled'], ['web-2', 'failed'], ['web-10', 'cancelled']])
})

test('of a server that writes without end the last part is kept, and what is missing is counted', () => {
  const answers = taken(['a'], ...Array.from({ length: 60 }, (_, n): RunLine => ({ server: 'a', [n % 2 ? 'stderr' : 'stdout']: `${'界'.repeat(9_999)}\n` })), { server: 'a', exit: 0, left_out: 5 })
  const one = of(answers, 'a')
  const length = one?.pieces.reduce((sum, piece) => sum + piece.text.length, 0)
  expect(length).toBe(400_000)
  expect(one?.leftOut).toBe(5 + 200_000 * 3 - 20 * 2)
  expect(one?.pieces.at(-1)?.stream).toBe('stderr')
})

test('equal answers are one group: the largest first, what failed last', () => {
  const ok = (server: string, text: string): RunLine[] => [{ server, stdout: text }, { server, exit: 0 }]
  const answers = taken([], ...ok('web-2', 'x\n'), ...ok('web-10', 'x\n'), ...ok('web-1', 'y\n'), ...ok('web-3', 'x\n'),
    { server: 'db-1', stdout: 'x\n' }, { server: 'db-1', exit: 1 },
    { server: 'db-2', exit: null, error: { message: 'db-2 does not answer' } }, { server: 'db-3', exit: null, error: { message: 'db-3 does not answer' } },
    { server: 'db-4', stderr: 'x\n' }, { server: 'db-4', exit: 0 })
  expect(groups(answers.all).map((group) => group.names)).toEqual([['web-2', 'web-3', 'web-10'], ['db-4'], ['web-1'], ['db-1'], ['db-2'], ['db-3']])
})

test('the streams of two servers may be mixed differently, and are equal all the same', () => {
  const answers = taken([], { server: 'a', stdout: '1\n' }, { server: 'a', stderr: '2\n' }, { server: 'a', stdout: '3\n' }, { server: 'a', exit: 0 },
    { server: 'b', stderr: '2\n' }, { server: 'b', stdout: '1\n3\n' }, { server: 'b', exit: 0 })
  expect(groups(answers.all).map((group) => group.names)).toEqual([['a', 'b']])
})
