// A shell on a server over a WebSocket: binary frames are bytes both ways, text frames are JSON beside them.
import { Problem, part, request, url } from '../api/client'

/** The largest piece that is sent at once, in bytes; the server takes 64 KiB. */
const PIECE = 32 * 1024

/** How a shell ended: with an exit code (null: by a signal), or why it did not end by itself. */
export type Ending =
  | { exit: number | null }
  | { error: { message: string; hint?: string } }
  | { closed: 'signed_out' | 'restarting' | 'lost' | 'blocked' | 'flooded' | 'left' }

/** What the server says beside what the shell shows. */
type Said = { exit?: number | null; error?: { message: string; hint?: string | null } }

export class Shell {
  /** Null while it is open, or on its way to be. */
  ending: Ending | null = $state.raw(null)
  isOpen = $state(false)
  #socket: WebSocket
  #path: string

  /** Opens it; `show` is given every byte that it shows. */
  constructor(server: string, columns: number, rows: number, show: (bytes: Uint8Array) => void) {
    this.#path = url(`/servers/${part(server)}/shell`, { columns, rows })
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${this.#path}`)
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => { this.isOpen = true }
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') show(new Uint8Array(data))
      else this.#hear(data)
    }
    socket.onclose = ({ code }) => void this.#close(code)
    this.#socket = socket
  }

  /** Sends what was typed. */
  type(text: string): void {
    this.bytes(new TextEncoder().encode(text))
  }

  /** Sends bytes as they are. */
  bytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    for (let at = 0; at < bytes.length; at += PIECE) this.#socket.send(bytes.subarray(at, at + PIECE))
  }

  resize(columns: number, rows: number): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ resize: [columns, rows] }))
  }

  /** Hangs up. */
  end(why: 'left' | 'flooded' = 'left'): void {
    this.ending ??= { closed: why }
    this.#socket.close()
  }

  #hear(text: string): void {
    const said = JSON.parse(text) as Said
    if (said.error) this.ending ??= { error: { message: said.error.message, hint: said.error.hint ?? undefined } }
    else if (said.exit !== undefined) this.ending ??= { exit: said.exit }
  }

  async #close(code: number): Promise<void> {
    const wasOpen = this.isOpen
    this.isOpen = false
    if (this.ending) return
    if (code === 4401) this.ending = { closed: 'signed_out' }
    else if (code === 1001) this.ending = { closed: 'restarting' }
    else if (wasOpen) this.ending = { closed: 'lost' }
    else this.ending = await this.#refusal()
  }

  /** Why it was not opened: a browser does not say what a server answered to a WebSocket, so the server is asked once more. */
  async #refusal(): Promise<Ending> {
    try {
      await request('GET', this.#path, {}, false)
    } catch (problem) {
      // It would have been opened, but what came was no WebSocket: something on the way knows none.
      if (problem instanceof Problem && problem.code === 'not_upgraded') return { closed: 'blocked' }
      if (problem instanceof Problem) return { error: { message: problem.message, hint: problem.hint } }
    }
    return { closed: 'lost' }
  }
}
