// Sends something large, and tells how far it is; the answer comes line by line. `fetch` does not say how much was sent.
import { Offline, refusal } from './client'

/** What is told: how many bytes were sent, or a line of the answer. */
export type Told<T> = { sent: number } | { line: T }

/** Sends `body`; ends with the answer. Aborting it ends everything. */
export function upload<T>(target: string, body: Blob, signal: AbortSignal, tell: (told: Told<T>) => void): Promise<void> {
  return new Promise((done, failed) => {
    const asked = new XMLHttpRequest()
    let read = 0
    /** Tells the lines that are whole; what stands behind the last one is no whole line. */
    const lines = (end: number): void => {
      for (const line of asked.responseText.slice(read, end).split('\n')) if (line.trim()) tell({ line: JSON.parse(line) as T })
      read = Math.max(read, end)
    }
    asked.open('POST', target)
    asked.setRequestHeader('Content-Type', 'application/x-tar')
    asked.setRequestHeader('Accept', 'application/x-ndjson')
    asked.upload.onprogress = ({ loaded }) => tell({ sent: loaded })
    asked.onprogress = () => { if (asked.status === 200) lines(asked.responseText.lastIndexOf('\n') + 1) }
    asked.onload = () => {
      if (asked.status !== 200) { failed(refusal(target, asked.status, json(asked.responseText))); return }
      lines(asked.responseText.length)
      done()
    }
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
