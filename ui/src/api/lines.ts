// Answers that come line by line (`application/x-ndjson`): each line is a whole JSON value, and is given when it is there.
import { Offline, Unreadable, request } from './client'

/** Cuts a text that comes in pieces into its lines. A line that is no JSON value ends it with `Unreadable`. */
export class Lines<T> {
  // Without its end the star below would multiply.
  #rest = '';

  /** The lines that are whole with this piece. */
  *take(piece: string): Generator<T> {
    const whole = (this.#rest + piece).split('\n')
    this.#rest = whole.pop() ?? ''
    for (const line of whole) yield* read<T>(line)
  }

  /** The last line, when the text ended without the end of it. */
  *end(): Generator<T> {
    const last = this.#rest
    this.#rest = ''
    yield* read<T>(last)
  }
}

function* read<T>(line: string): Generator<T> {
  if (!line.trim()) return
  try {
    yield JSON.parse(line) as T
  } catch (problem) {
    throw problem instanceof SyntaxError ? new Unreadable() : problem
  }
}

/** Reads the lines of an answer, until it ends or is aborted. A last line without its end is one, too. */
export async function* linesOf<T>(answer: Response): AsyncGenerator<T> {
  if (!answer.body) return
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  const lines = new Lines<T>()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((problem: unknown) => {
        if (problem instanceof DOMException && problem.name === 'AbortError') throw problem
        // The line was cut in the middle of the answer.
        throw new Offline()
      })
      if (value) yield* lines.take(value)
      if (!done) continue
      yield* lines.end()
      return
    }
  } finally {
    // Whoever stops reading ends what is still on its way.
    void reader.cancel().catch(() => {})
  }
}

/** Asks for something that is answered line by line. */
export async function* ask<T>(method: string, target: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/x-ndjson' }
  yield* linesOf<T>(await request(method, target, { headers, body: JSON.stringify(body), signal }))
}
