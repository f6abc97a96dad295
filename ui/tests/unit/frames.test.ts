// The beat of a screen, drawn by the test.
import { beforeEach, expect, test, vi } from 'vitest'
import { everyFrame } from '../../src/terminal/frames'

/** Frames that were asked for and not drawn yet, by number. */
const asked = new Map<number, (now: number) => void>()
let last = 0
vi.stubGlobal('requestAnimationFrame', (frame: (now: number) => void) => { asked.set(++last, frame); return last })
vi.stubGlobal('cancelAnimationFrame', (frame: number) => asked.delete(frame))
beforeEach(() => { asked.clear(); vi.spyOn(performance, 'now').mockReturnValue(1_000) })

function draw(now: number): void {
  const frames = [...asked.values()]
  asked.clear()
  for (const frame of frames) frame(now)
}

test('each drawing is told how long ago the one before was, and time does not go back', () => {
  const told: number[] = []
  const end = everyFrame((seconds) => told.push(seconds))
  draw(990)
  draw(1_010)
  draw(1_510)
  expect(told).toEqual([0, 0.02, 0.5])
  expect(asked.size).toBe(1)
  end()
  expect(asked.size).toBe(0)
})

test('whoever ends it while it is drawn is not called again', () => {
  let count = 0
  const end = everyFrame(() => { count += 1; end() })
  draw(1_010)
  expect([count, asked.size]).toEqual([1, 0])
})
