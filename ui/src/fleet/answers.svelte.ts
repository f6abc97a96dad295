// What many servers answer to a command, as it comes; and, in the end, who answered the same.
import type { Done, RunLine, Trouble } from '../api/types'
import { byName } from '../i18n/format'

/** A part of what a command wrote, all of one stream. */
export type Piece = { stream: 'stdout' | 'stderr'; text: string }
export type AnswerState = 'pending' | 'running' | 'ok' | 'failed' | 'cancelled'

/** So many characters of one server are kept in the page; the end of what comes after them is what counts. */
const MOST = 400_000

/** What one server answered. */
export class Answer {
  readonly name: string
  state: AnswerState = $state('pending')
  exit: number | null = $state(null)
  trouble: Trouble | null = $state.raw(null)
  /** Bytes that are missing because there were too many. */
  leftOut = $state(0)
  /** What it wrote, in the order in which it came. */
  pieces: Piece[] = $state.raw([])
  /** The last line that says something, for a list. */
  last = $state('')
  #length = 0

  constructor(name: string) {
    this.name = name
  }

  /** Takes pieces that came one after another. */
  write(more: Piece[]): void {
    const pieces = [...this.pieces]
    for (const one of more) {
      const before = pieces.at(-1)
      if (before?.stream === one.stream) pieces[pieces.length - 1] = { stream: one.stream, text: before.text + one.text }
      else pieces.push(one)
      this.#length += one.text.length
    }
    while (this.#length > MOST && pieces[0]) {
      const [first] = pieces
      const over = Math.min(this.#length - MOST, first.text.length)
      this.#length -= over
      this.leftOut += new TextEncoder().encode(first.text.slice(0, over)).length
      if (over === first.text.length) pieces.shift()
      else pieces[0] = { stream: first.stream, text: first.text.slice(over) }
    }
    this.pieces = pieces
    this.last = lastLine(pieces)
  }

  end({ exit, error, left_out }: RunLine): void {
    this.exit = exit ?? null
    this.trouble = error ?? null
    this.leftOut += left_out ?? 0
    this.state = exit === 0 ? 'ok' : 'failed'
  }

  /** Everything of one stream. */
  text(stream: Piece['stream']): string {
    return this.pieces.filter((one) => one.stream === stream).map((one) => one.text).join('')
  }
}

/** The last line with something on it; a short end of the text is enough to find it. */
function lastLine(pieces: Piece[]): string {
  for (const { text } of pieces.toReversed()) {
    const line = text.slice(-2_000).split('\n').findLast((one) => one.trim())
    if (line) return line.slice(-300)
  }
  return ''
}

/** Servers that answered the same. */
export type Group = { key: string; names: string[]; one: Answer }

/** Who answered the same, the largest group first, and what did not go well after what did. The order of the two streams
 * among each other is left to chance on every server, so it does not count. */
export function groups(answers: Answer[]): Group[] {
  const found = new Map<string, Group>()
  for (const one of answers.toSorted((a, b) => byName(a.name, b.name))) {
    const key = JSON.stringify([one.state, one.exit, one.trouble?.message, one.leftOut, one.text('stdout'), one.text('stderr')])
    const group = found.get(key)
    if (group) group.names.push(one.name)
    else found.set(key, { key: one.name, names: [one.name], one })
  }
  const bad = (group: Group): number => (group.one.state === 'ok' ? 0 : 1)
  return [...found.values()].sort((a, b) => bad(a) - bad(b) || b.names.length - a.names.length || byName(a.names[0] ?? '', b.names[0] ?? ''))
}

/** The answers of all servers of one command. */
export class Answers {
  /** In the order of their names. */
  all: Answer[] = $state.raw([])
  done: Done | null = $state.raw(null)
  #byName = new Map<string, Answer>()
  #waiting: RunLine[] = []
  #frame: (draw: () => void) => void
  #drawing = false

  /** `frame` calls back when the next picture is made: whatever came until then is drawn at once. */
  constructor(servers: string[], frame: (draw: () => void) => void = nextFrame) {
    this.#frame = frame
    for (const name of servers) this.#byName.set(name, new Answer(name))
    this.#list()
  }

  take(line: RunLine): void {
    this.#waiting.push(line)
    if (this.#drawing) return
    this.#drawing = true
    this.#frame(() => this.flush())
  }

  /** Draws what came. */
  flush(): void {
    this.#drawing = false
    const written = new Map<Answer, Piece[]>()
    const write = (one: Answer): void => {
      const pieces = written.get(one)
      if (pieces) one.write(pieces)
      written.delete(one)
    }
    let isNew = false
    for (const line of this.#waiting.splice(0)) {
      if (line.done) this.done = line.done
      if (!line.server) continue
      let one = this.#byName.get(line.server)
      if (!one) {
        one = new Answer(line.server)
        this.#byName.set(line.server, one)
        isNew = true
      }
      if (line.started) one.state = 'running'
      const pieces = written.get(one) ?? []
      if (line.stdout) pieces.push({ stream: 'stdout', text: line.stdout })
      if (line.stderr) pieces.push({ stream: 'stderr', text: line.stderr })
      if (pieces.length > 0) written.set(one, pieces)
      if (line.exit !== undefined || line.error) { write(one); one.end(line) }
    }
    for (const one of [...written.keys()]) write(one)
    if (isNew) this.#list()
  }

  /** Nothing more comes: what has not ended was stopped. */
  stop(): void {
    this.flush()
    for (const one of this.all) if (one.state === 'running' || one.state === 'pending') one.state = 'cancelled'
  }

  #list(): void {
    this.all = [...this.#byName.values()].sort((a, b) => byName(a.name, b.name))
  }
}

/** A hidden tab has no frames. */
function nextFrame(draw: () => void): void {
  if (document.hidden) setTimeout(draw, 100)
  else requestAnimationFrame(draw)
}
