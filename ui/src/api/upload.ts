// Sends something large, and tells how far it is; the answer comes line by line. `fetch` does not say how much was sent.
import { Offline, refusal } from './client'
import { Lines } from './lines'

/** What is told: how many bytes were sent, or a line of the answer. */
export type Told<T> = { sent: number } | { line: T }

/** Sends `body`; ends with the answer. Aborting it ends everything; so does an answer that cannot be read. */
export function upload<T>(target: string, body: Blob, signal: AbortSignal, tell: (told: Told<T>) => void): Promise<void> {
  return new Promise((done, failed) => {
    const asked = new XMLHttpRequest()
    const lines = new Lines<T>()
    let read = 0
    const take = (): void => {
      const piece = asked.responseText.slice(read)
      read += piece.length
      for (const line of lines.take(piece)) tell({ line })
    }
    /** What is thrown in a handler reaches nobody: here it ends the whole. */
    const guarded = (work: () => void) => (): void => {
      try {
        work()
      } catch (problem) {
        failed(problem)
        asked.abort()
      }
    }
    asked.open('POST', target)
    asked.setRequestHeader('Content-Type', 'application/x-tar')
    asked.setRequestHeader('Accept', 'application/x-ndjson')
    asked.upload.onprogress = ({ loaded }) => tell({ sent: loaded })
    asked.onprogress = guarded(() => { if (asked.status === 200) take() })
    asked.onload = guarded(() => {
      if (asked.status !== 200) throw refusal(target, asked.status, json(asked.responseText))
      take()
      for (const line of lines.end()) tell({ line })
      done()
    })
    asked.onerror = () => failed(new Offline())
    asked.onabort = () => failed(new DOMException('aborted', 'AbortError'))
    signal.addEventListener('abort', () => asked.abort(), { once: true })
    if (signal.aborted) asked.abort()
    else asked.send(body)
  })
}

function json(text: string): object {
  try {
    return JSON.parse(text) as object
  } catch {
    return {}
  }
}
