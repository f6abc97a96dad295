// The text of logs: colours stay, everything else of a terminal goes, and nothing is lost between two pieces.
import { expect, test } from 'vitest'
import { type Line, LineReader } from '../../src/release/log'

const text = (line: Line | null | undefined): string => line?.runs.map((run) => run.text).join('') ?? ''

function read(...pieces: string[]): Line[] {
  const reader = new LineReader()
  return pieces.flatMap((piece) => reader.push(piece))
}

test('colours become names of our own, and go on in the next line', () => {
  const [first, second, third] = read('\x1b[31mred\n', 'still\x1b[0m\nplain\n')
  expect(first?.runs).toEqual([{ text: 'red', style: 'c-red' }])
  expect(second?.runs[0]).toEqual({ text: 'still', style: 'c-red' })
  expect(third?.runs).toEqual([{ text: 'plain', style: '' }])
  expect(read('\x1b[1;32mok\x1b[0m\n')[0]?.runs[0]?.style).toBe('c-green c-bold')
  expect(read('\x1b[38;2;1;2;3mtrue\x1b[0m\n')[0]?.runs[0]?.style).toBe('')
})

test.each([
  ['\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['\x1b]0;title\x07after', 'after'],
  ['\x1b]52;c;ZXZpbA==\x07x', 'x'],
  ['\x1bPq#0\x1b\\six', 'six'],
  ['\x1b[2J\x1b[Hhome', 'home'],
  ['a\x1b[1A\x1b[2Kb', 'ab'],
  ['\x9b31mc1\x85', '31mc1'],
  ['\x00\x01nul\x7f', 'nul'],
  ['10%\r50%\r100%', '100%'],
  ['windows\r', 'windows'],
  ['\x1b(Bset', 'set'],
  ['<b>&amp;</b>', '<b>&amp;</b>'],
  ['\u202eevil', '\u202eevil'],
])('%j is shown as %j', (raw, shown) => {
  expect(text(read(`${raw}\n`)[0])).toBe(shown)
})

test('a long line is cut, and says so', () => {
  const [line] = read(`${'x'.repeat(1_000_000)}\n`)
  expect(text(line).length).toBe(8_000)
  expect(line?.cut).toBe(992_000)
})

test('wherever a text is cut into pieces, the same lines come out', () => {
  const whole = 'one\n\x1b[32mgreen\x1b[0m and \x1b]0;t\x07more\n界界\nlast\n'
  const expected = read(whole).map(text)
  for (let at = 0; at <= whole.length; at++) expect(read(whole.slice(0, at), whole.slice(at)).map(text)).toEqual(expected)
  const reader = new LineReader()
  reader.push('half a li')
  expect(text(reader.open())).toBe('half a li')
  expect(text(reader.push('ne\n')[0])).toBe('half a line')
  expect(reader.open()).toBeNull()
})

test('a progress bar that goes back to the beginning of its line is seen', () => {
  const reader = new LineReader()
  reader.push('counting 3%\rcounting 12%\r')
  expect(text(reader.open())).toBe('counting 12%')
  expect(text(reader.push('counting 100%\r\n')[0])).toBe('counting 100%')
})

test('a line of nothing but ways back to its beginning takes no time', () => {
  const reader = new LineReader()
  reader.push(`${'\r'.repeat(900_000)}x`)
  expect(text(reader.open())).toBe('x')
})
