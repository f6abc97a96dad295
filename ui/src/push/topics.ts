// Where the page stands in each topic. Facts are taken in order and once, whatever arrives.
import type { Batch, Fact } from '../api/types'

export type Taken = { facts: Fact[]; reset: boolean }

/** A position that means: from the end on. The server answers with where that is. */
export const END = Number.MAX_SAFE_INTEGER

export class Position {
  /** The number of the last fact that was taken. */
  after: number
  /** The random id of the numbering; a new one means that everything has to be read again. */
  stream: string | null

  constructor(after: number, stream: string | null) {
    this.after = after
    this.stream = stream
  }

  /** Takes a batch in: what is new in it, in order; `reset` when the page has to read everything again. */
  take(batch: Batch): Taken {
    if (this.stream === null) this.stream = batch.stream
    if (batch.stream !== this.stream) return { facts: [], reset: true }
    if (this.after === END) {
      this.after = batch.seq
      return { facts: [], reset: false }
    }
    const facts: Fact[] = []
    for (const fact of batch.events) {
      if (fact.seq <= this.after) continue
      if (fact.seq !== this.after + 1) return { facts, reset: true }
      this.after = fact.seq
      facts.push(fact)
    }
    // The end lies before where we stand: the numbering is not the one we know.
    return { facts, reset: batch.events.length === 0 && batch.seq < this.after }
  }
}
