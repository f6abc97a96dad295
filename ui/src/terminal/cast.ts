// Recordings of shells in the format asciicast v2 (docs.asciinema.org/manual/asciicast/v2), and how they are played.

/** Something that happened: it was shown, or the terminal got another size. Seconds after the beginning. */
export type Happening = { at: number; shown: string } | { at: number; columns: number; rows: number }
export type Cast = { columns: number; rows: number; happenings: Happening[]; length: number }

/** A terminal is never larger, whatever a recording says. */
const WIDEST = 500

/** Reads a recording; null when it is none. Lines that say nothing known are left out, and so is a last line that was cut off. */
export function read(text: string): Cast | null {
  const [first = '', ...lines] = text.split('\n')
  const head = json(first)
  if (!isRecord(head) || head.version !== 2) return null
  const happenings: Happening[] = []
  let at = 0
  for (const line of lines) {
    const event = json(line)
    if (!Array.isArray(event)) continue
    const [time, kind, what] = event as unknown[]
    if (typeof time !== 'number' || !Number.isFinite(time) || typeof what !== 'string') continue
    // Time does not go back.
    at = Math.max(at, time)
    if (kind === 'o') happenings.push({ at, shown: what })
    if (kind === 'r') {
      const size = /^(\d{1,4})x(\d{1,4})$/.exec(what)
      if (size) happenings.push({ at, columns: side(Number(size[1]), 80), rows: side(Number(size[2]), 24) })
    }
  }
  return { columns: side(head.width, 80), rows: side(head.height, 24), happenings, length: at }
}

/** The same with no pause longer than `most` seconds. */
export function squeeze(cast: Cast, most: number): Cast {
  let saved = 0
  let before = 0
  const happenings = cast.happenings.map((one) => {
    saved += Math.max(0, one.at - before - most)
    before = one.at
    return { ...one, at: one.at - saved }
  })
  return { ...cast, happenings, length: cast.length - saved }
}

/** Where something is shown. */
export type Stage = { clear: (columns: number, rows: number) => void; show: (text: string) => void; resize: (columns: number, rows: number) => void }

/** Shows a recording up to a time, again and again: what was shown already is not shown twice, and going back begins anew. */
export class Reel {
  #next = 0
  readonly #cast: Cast
  readonly #stage: Stage

  constructor(cast: Cast, stage: Stage) {
    this.#cast = cast
    this.#stage = stage
    this.#rewind()
  }

  #rewind(): void {
    this.#next = 0
    this.#stage.clear(this.#cast.columns, this.#cast.rows)
  }

  /** Shows everything up to `at`, in seconds. */
  to(at: number): void {
    const last = this.#cast.happenings[this.#next - 1]
    if (last && last.at > at) this.#rewind()
    let text = ''
    for (let one = this.#cast.happenings[this.#next]; one && one.at <= at; one = this.#cast.happenings[++this.#next]) {
      if ('shown' in one) text += one.shown
      else {
        if (text) this.#stage.show(text)
        text = ''
        this.#stage.resize(one.columns, one.rows)
      }
    }
    if (text) this.#stage.show(text)
  }
}

function side(value: unknown, usual: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 ? Math.min(value, WIDEST) : usual
}

function json(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
