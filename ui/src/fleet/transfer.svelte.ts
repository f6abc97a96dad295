// Files on their way to many servers, or from them: how far each server is, and all of them together.
import type { Done, TransferLine, Trouble } from '../api/types'
import { byName } from '../i18n/format'

export type Part = { name: string; state: 'pending' | 'running' | 'ok' | 'failed' | 'cancelled'; bytes: number; total: number | null; files: number; trouble: Trouble | null }

export class Transfer {
  /** Every server, by name. */
  parts: Part[] = $state.raw([])
  /** Bytes of all servers together, as far as they are known. */
  bytes = $state(0)
  total: number | null = $state(null)
  done: Done | null = $state.raw(null)
  /** By which name what came can be fetched. */
  download: string | null = $state(null)

  constructor(servers: string[]) {
    this.parts = servers.toSorted(byName).map((name) => ({ name, state: 'pending', bytes: 0, total: null, files: 0, trouble: null }))
  }

  take(line: TransferLine): void {
    if (line.done) {
      this.done = line.done
      this.download = line.download ?? null
    } else if (!line.server) {
      this.bytes = line.bytes ?? this.bytes
      this.total = line.total ?? this.total
    } else {
      const known = this.parts.find((one) => one.name === line.server) ?? { name: line.server, state: 'pending', bytes: 0, total: null, files: 0, trouble: null }
      // How far it is may be told late: the end stays the end.
      if (known.state === 'ok' || known.state === 'failed') return
      const next: Part = {
        ...known, bytes: line.bytes ?? known.bytes, total: line.total ?? known.total, files: line.files ?? known.files, trouble: line.error ?? known.trouble,
        state: line.ok === true ? 'ok' : line.ok === false ? 'failed' : 'running',
      }
      const others = this.parts.filter((one) => one.name !== line.server)
      this.parts = [...others, next].sort((a, b) => byName(a.name, b.name))
    }
  }

  /** Nothing more comes: what has not ended was stopped. */
  stop(): void {
    this.parts = this.parts.map((one) => (one.state === 'pending' || one.state === 'running' ? { ...one, state: 'cancelled' } : one))
  }
}
