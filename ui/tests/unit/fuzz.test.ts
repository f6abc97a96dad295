// Fuzzing of logs: what terminals are told is made from its own grammar, spoilt, and cut anywhere. The same numbers each
// time; with AWEIGH_SOAK=1, a hundred times as many.
import { expect, test } from 'vitest'
import { type Line, LineReader } from '../../src/release/log'

const TIMES = process.env.AWEIGH_SOAK ? 200_000 : 2_000
/** How long each of these tests may take, in ms: a hundred times as many do not fit into what one test usually has. */
const LIMIT = process.env.AWEIGH_SOAK ? 300_000 : 5_000

/** Numbers that look random and are the same each time (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const PARTS = [
  'plain', ' ', '\n', '\r', '\r\n', '\t', '\x1b', '\x1b[', '\x1b]', '\x1bP', '\x1b\\', '\x07', '\x9b', '\x9d', '\x9c', '\x00', '\x7f',
  '31m', '0m', '1;32m', '38;5;1m', '\x1b[31m', '\x1b[0m', '\x1b[38;2;1;2;3m', '\x1b[2J', '\x1b[1A', '\x1b]52;c;eA==\x07',
  '\x1b]8;;javascript:alert(1)\x1b\\', ';', '?', '<img src=x onerror=alert(1)>', '&amp;', '\u202e', '界', '\ud83d\ude00', '\ud83d',
]
const STYLES = /^(c-(black|red|green|yellow|blue|magenta|cyan|white|bold|dim|italic|underline)( |$))*$/

const shown = (line: Line): string => line.runs.map((run) => run.text).join('')

function read(pieces: string[]): Line[] {
  const reader = new LineReader()
  const lines = pieces.flatMap((piece) => {
    const complete = reader.push(piece)
    const open = reader.open()
    if (open) expect(shown(open)).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/)
    return complete
  })
  return [...lines, ...reader.push('\n')]
}

test('whatever comes in, text and colours of our own come out, wherever it is cut', () => {
  const random = numbers(1)
  for (let time = 0; time < TIMES; time++) {
    const pieces = Array.from({ length: 1 + random(5) }, () =>
      Array.from({ length: random(8) }, () => PARTS[random(PARTS.length)]).join(''),
    )
    const lines = read(pieces)
    for (const run of lines.flatMap((line) => line.runs)) {
      expect(run.text, JSON.stringify(pieces)).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/)
      expect(run.style, JSON.stringify(pieces)).toMatch(STYLES)
    }
    expect(lines.map(shown), JSON.stringify(pieces)).toEqual(read([pieces.join('')]).map(shown))
  }
}, LIMIT)

test('colours are never text, however many are on', () => {
  const random = numbers(2)
  const colours = ['\x1b[31m', '\x1b[1;32m', '\x1b[38;2;1;2;3m', '\x1b[4m', '\x1b[0m', '\x1b[m']
  for (let time = 0; time < TIMES / 10; time++) {
    const parts = Array.from({ length: random(80) }, () =>
      random(2) ? (colours[random(colours.length)] ?? '') : (['word', '\n', '31m'][random(3)] ?? ''),
    )
    // Without the colours it is what was meant to be read.
    const meant = parts.filter((part) => !part.startsWith('\x1b')).join('')
    expect(read([parts.join('')]).map(shown).join('\n'), JSON.stringify(parts)).toBe(meant)
  }
}, LIMIT)
