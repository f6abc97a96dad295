// Answers that come line by line (`application/x-ndjson`): each line is a whole JSON value, and is given when it is there.
import { Offline, request } from './client'

/** Reads the lines of an answer, until it ends or is aborted. A last line without its end is one, too. */
export async function* linesOf<T>(answer: Response): AsyncGenerator<T> {
  if (!answer.body) return
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((problem: unknown) => {
        if (problem instanceof DOMException && problem.name === 'AbortError') throw problem
        // The line was cut in the middle of the answer.
        throw new Offline()
      })
      rest += value ?? ''
      const whole = rest.split('\n')
      rest = done ? '' : (whole.pop() ?? '')
      for (const line of whole) if (line.trim()) yield JSON.parse(line) as T
      if (done) return
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
