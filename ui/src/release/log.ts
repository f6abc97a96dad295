// The text of a log as lines to draw. Of terminal control only colours are kept; everything else of it, and every
// other control character, is left out. Text never becomes markup.
import Anser from 'anser'

export type Run = { text: string; style: string }
export type Line = { runs: Run[]; cut: number }

/** So many characters of a line are drawn; the rest is in the download. */
const LONGEST = 8_000

// OSC, DCS, PM, APC and SOS strings; CSI sequences that are no colours; other escapes.
const STRINGS = /\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)/g
const SEQUENCES = /\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b[ -/]*[0-Z\\^-~]/g
// What is no text: C0 without tab and escape, DEL, C1.
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]/g
/** Any of these. */
const ODD = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/
/** A change of colour (ECMA-48 section 8.3.117). */
const COLOURS_ON = /\x1b\[([0-9;]*)m/g
/** An escape that is not complete yet. */
const OPEN = /\x1b(?:[\]PX^_][^\x07\x1b]{0,4000}\x1b?|\[[0-?]*[ -/]*)?$/

/** Makes lines of a text that arrives in pieces. */
export class LineReader {
  /** The colours that are on at the end of the last line. */
  #on = ''
  #rest = ''

  /** The lines that are complete now. */
  push(text: string): Line[] {
    this.#rest += text
    const end = this.#rest.lastIndexOf('\n')
    if (end < 0) {
      // A line without an end is bounded, too.
      if (this.#rest.length > 1_000_000) this.#rest = this.#rest.slice(0, LONGEST) + this.#rest.slice(-1_000)
      return []
    }
    const whole = this.#rest.slice(0, end)
    this.#rest = this.#rest.slice(end + 1)
    return whole.split('\n').map((line) => this.#line(line))
  }

  /** The line that has begun, as far as it is known; nothing is forgotten by asking. */
  open(): Line | null {
    // A progress bar may go back before it writes: until then what it wrote is seen.
    const begun = this.#rest.replace(OPEN, '')
    let end = begun.length
    while (begun[end - 1] === '\r') end -= 1
    const text = begun.slice(0, end)
    if (!text) return null
    return { runs: [{ text: plain(text).slice(0, LONGEST), style: '' }], cut: Math.max(0, text.length - LONGEST) }
  }

  #line(raw: string): Line {
    let text = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    // A progress bar writes over itself: what is seen in the end is what came last.
    const over = text.lastIndexOf('\r')
    if (over >= 0) text = text.slice(over + 1)
    const cut = Math.max(0, text.length - LONGEST)
    if (cut > 0) text = text.slice(0, LONGEST)
    // Most lines are plain.
    if (this.#on === '' && !ODD.test(text)) return { runs: text ? [{ text, style: '' }] : [], cut }
    text = text.replace(STRINGS, '').replace(SEQUENCES, '').replace(CONTROLS, '')
    const before = this.#on
    for (const [sequence, codes] of text.matchAll(COLOURS_ON)) {
      // Bounded, and never cut in the middle of a sequence: half of one would be text.
      this.#on = /^[0;]*$/.test(codes ?? '') ? '' : (this.#on + sequence).slice(-200).replace(/^[^\x1b]+/, '')
    }
    const runs = Anser
      .ansiToJson(before + text, { use_classes: true, remove_empty: true })
      .map((run) => ({ text: run.content.replaceAll('\x1b', ''), style: style(run) }))
      .filter((run) => run.text)
    return { runs, cut }
  }
}

function plain(text: string): string {
  const over = text.lastIndexOf('\r')
  return text.slice(over + 1).replace(STRINGS, '').replace(SEQUENCES, '').replace(/\x1b\[[0-9;]*m/g, '').replace(CONTROLS, '').replaceAll('\x1b', '')
}

const COLOURS = new Set(['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'])

/** The class names of a run; only names of our own. */
function style(run: { fg: string | null; decorations?: string[] }): string {
  const names: string[] = []
  const colour = /^ansi-(bright-)?([a-z]+)$/.exec(run.fg ?? '')
  if (colour?.[2] && COLOURS.has(colour[2])) names.push(`c-${colour[2]}`)
  for (const one of run.decorations ?? []) {
    if (one === 'bold' || one === 'dim' || one === 'italic' || one === 'underline') names.push(`c-${one}`)
  }
  return names.join(' ')
}

/** A line as an element, for a list that only grows. */
export function element(line: Line, number: number): HTMLElement {
  const row = document.createElement('div')
  row.className = 'line'
  row.id = `L${number}`
  row.dataset.n = String(number)
  for (const run of line.runs) {
    if (run.style) {
      const part = document.createElement('span')
      part.className = run.style
      part.textContent = run.text
      row.append(part)
    } else row.append(run.text)
  }
  if (line.cut > 0) {
    const more = document.createElement('em')
    more.textContent = ` … +${line.cut}`
    row.append(more)
  }
  return row
}
