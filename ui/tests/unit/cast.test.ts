// Recordings: what is read of them, and how they are played.
import { expect, test } from 'vitest'
import { type Stage, Reel, read, squeeze } from '../../src/terminal/cast'
import { lasted, outcome } from '../../src/terminal/recording'

const HEAD = '{"version":2,"width":100,"height":30,"timestamp":1,"title":"ada on web-1"}'
const LINES = ['[0.5,"o","$ "]', '[1.0,"i","secret"]', '[10.0,"o","ls\\r\\n"]', '[10.5,"r","120x40"]', '[11.0,"o","a b\\r\\n"]', '[99']

/** A stage that notes what is done on it. */
function noted(): { stage: Stage; done: string[] } {
  const done: string[] = []
  return { done, stage: { clear: (columns, rows) => { done.splice(0, done.length, `clear ${columns}x${rows}`) }, show: (text) => done.push(text), resize: (columns, rows) => done.push(`${columns}x${rows}`) } }
}

test('what was shown and how large it was is read; what was typed, what is unknown and a last line that was cut off are not', () => {
  const cast = read([HEAD, ...LINES].join('\n'))
  expect(cast).toEqual({
    columns: 100, rows: 30, length: 11,
    happenings: [{ at: 0.5, shown: '$ ' }, { at: 10, shown: 'ls\r\n' }, { at: 10.5, columns: 120, rows: 40 }, { at: 11, shown: 'a b\r\n' }],
  })
})

test.each(['', 'x', '[]', '{"version":1}', 'null', '{"version":3}'])('%j is no recording', (text) => {
  expect(read(text)).toBeNull()
})

test('nonsense in a recording does no harm', () => {
  const cast = read(['{"version":2,"width":1e9,"height":-4}', '[1,"o",5]', '["x","o","y"]', '[2,"r","0x0"]', '[3,"r","9999x1"]', '[1,"o","back in time"]', '[null,"o","z"]', '{}', '7'].join('\n'))
  expect(cast).toEqual({ columns: 500, rows: 24, length: 3, happenings: [{ at: 2, columns: 80, rows: 24 }, { at: 3, columns: 500, rows: 1 }, { at: 3, shown: 'back in time' }] })
})

test('long pauses become short ones, and nothing else changes', () => {
  const cast = read([HEAD, ...LINES].join('\n'))!
  expect(squeeze(cast, 1).happenings.map((one) => one.at)).toEqual([0.5, 1.5, 2, 2.5])
  expect(squeeze(cast, 1).length).toBe(2.5)
  expect(squeeze(cast, 100)).toEqual(cast)
})

test('it is played to any place: on from where it stands, and back by beginning anew', () => {
  const cast = read([HEAD, ...LINES].join('\n'))!
  const { stage, done } = noted()
  const reel = new Reel(cast, stage)
  expect(done).toEqual(['clear 100x30'])
  reel.to(0.6)
  reel.to(10)
  expect(done).toEqual(['clear 100x30', '$ ', 'ls\r\n'])
  reel.to(50)
  expect(done).toEqual(['clear 100x30', '$ ', 'ls\r\n', '120x40', 'a b\r\n'])
  reel.to(9)
  expect(done).toEqual(['clear 100x30', '$ '])
  // However it gets there, the same was shown.
  reel.to(11)
  expect(done.join('|')).toBe('clear 100x30|$ |ls\r\n|120x40|a b\r\n')
})

test('a list says how long a shell was open, and how it ended', () => {
  const words = { openNow: 'open', exit: (code: number) => `exit ${code}`, ended: 'ended' }
  const [started_at, ended_at] = ['2026-11-20T10:00:00Z', '2026-11-20T10:00:05Z']
  expect([lasted({ started_at }), lasted({ started_at, ended_at })]).toEqual([null, 5_000])
  expect([outcome({}, words), outcome({ ended_at, exit: 0 }, words), outcome({ ended_at, reason: 'cut off' }, words), outcome({ ended_at }, words)]).toEqual(['open', 'exit 0', 'cut off', 'ended'])
})
