// Follows the log of one step: every byte of it is drawn once and in order, whether it was read or a fact brought it.
import type { LogFact } from '../api/types'

/** A part of a log, how many bytes it is, and how many the log was then. */
export type Piece = { text: string; size: number; total: number }

export type Drawing = {
  /** Begins anew, with what stands at a byte and after it. */
  start: (text: string, at: number) => void
  /** Goes on. */
  more: (text: string) => void
  /** So many bytes are nowhere. */
  dropped: (bytes: number) => void
  /** Why nothing could be read; nothing when it could. */
  trouble: (problem: unknown) => void
}

export class Tail {
  /** The byte after the last one that was drawn. */
  #to = 0
  /** Facts that came while a part is read; they wait their turn. */
  #waiting: LogFact[] | null = []
  #last: Promise<void> = Promise.resolve()
  #ask: (query: Record<string, number>) => Promise<Piece>
  #draw: Drawing

  constructor(ask: (query: Record<string, number>) => Promise<Piece>, draw: Drawing) {
    this.#ask = ask
    this.#draw = draw
  }

  /** Draws the last so many bytes. */
  end(bytes: number): Promise<void> {
    return this.#read(() => ({ tail: bytes }), ({ text, size, total }) => {
      this.#to = total
      this.#draw.start(text, total - size)
    })
  }

  /** Draws everything. */
  whole(): Promise<void> {
    return this.#read(() => ({}), ({ text, size }) => {
      this.#to = size
      this.#draw.start(text, 0)
    })
  }

  /** Takes a fact in; `asks` for what is missing before its end. */
  tell(fact: LogFact, asks = true): void {
    const end = fact.offset + fact.bytes
    if (this.#waiting) this.#waiting.push(fact)
    else if (fact.dropped !== undefined && fact.offset <= this.#to) this.#draw.dropped(fact.dropped)
    else if (fact.dropped === undefined && end <= this.#to) return
    else if (fact.offset === this.#to && fact.text !== undefined) {
      this.#draw.more(fact.text)
      this.#to = end
    } else if (asks) {
      // It came without its text, or there was something before it.
      this.#waiting = [fact]
      void this.#read(() => ({ from: this.#to }), ({ text, size }) => {
        this.#draw.more(text)
        this.#to += size
      })
    }
  }

  /** Reads one part after another. */
  async #read(query: () => Record<string, number>, take: (piece: Piece) => void): Promise<void> {
    this.#waiting ??= []
    let known = 0
    const turn = this.#last.then(async () => {
      known = this.#waiting?.length ?? 0
      try {
        take(await this.#ask(query()))
        this.#draw.trouble(undefined)
      } catch (problem) {
        this.#draw.trouble(problem)
      }
    })
    this.#last = turn
    await turn
    if (this.#last !== turn) return
    const held = this.#waiting
    this.#waiting = null
    // What was told before it was asked for, and did not come, is not asked for again: that would have no end.
    for (const [index, fact] of held.entries()) this.tell(fact, index >= known)
  }
}
