// A release as the page draws it. The same facts make the same tree here as in `model::Tree` of the server.
//
// Thousands of nodes live in plain maps; only the few fields that change are reactive (deep proxies would cost more
// than the drawing), so a fact redraws one node, one row and the counters.
import type { Bytes, Fact, Node, NodeFact, Release, ReleaseStatus, ServerFact, Snapshot, StepStatus } from '../api/types'
import { type Uploads, readProgress } from './progress'

export const TERMINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'rolled_back', 'partial', 'cancelled', 'superseded'])
const SETTLED: ReadonlySet<string> = new Set(['ok', 'failed', 'warning', 'skipped', 'cancelled', 'undone', 'unknown'])

/** The worst first: what a group shows is the worst in it. */
const BADNESS: Record<string, number> = {
  failed: 9, unknown: 8, paused: 7, running: 6, warning: 5, cancelled: 4, undone: 3, pending: 2, skipped: 1, ok: 0,
}

/** How a step stands. */
type Standing = { status: StepStatus; attempt: number; reason: string | null; startedAt: string | null; endedAt: string | null }

export class NodeState {
  readonly key: string
  readonly text: string
  readonly step: string
  readonly parent: string | null
  readonly server: string | null
  readonly batch: number | null
  // One cell for all that changes: a release has thousands of nodes.
  #now: Standing = $state.raw() as Standing

  constructor(node: Node) {
    this.key = node.key
    this.text = node.text
    this.step = node.step
    this.parent = node.parent ?? null
    this.server = node.server ?? null
    this.batch = node.batch ?? null
    this.#now = {
      status: node.status as StepStatus,
      attempt: node.attempt,
      reason: node.reason ?? null,
      startedAt: node.started_at ?? null,
      endedAt: node.ended_at ?? null,
    }
  }

  get status(): StepStatus { return this.#now.status }
  get attempt(): number { return this.#now.attempt }
  get reason(): string | null { return this.#now.reason }
  get startedAt(): string | null { return this.#now.startedAt }
  get endedAt(): string | null { return this.#now.endedAt }

  apply(fact: NodeFact, at: string): void {
    const { attempt, startedAt } = this.#now
    const begins = fact.status === 'running' && (attempt !== fact.attempt || startedAt === null)
    this.#now = {
      status: fact.status,
      attempt: fact.attempt,
      reason: fact.reason ?? null,
      startedAt: begins ? at : startedAt,
      endedAt: SETTLED.has(fact.status) ? at : null,
    }
  }
}

/** One server and its steps. */
export class Row {
  readonly name: string
  batch: number | null = null
  /** The steps that are drawn: those without steps of their own inside. */
  nodes: NodeState[] = $state.raw([])
  worst: string = $state('pending')
  state: string = $state('pending')
  before: string | null = $state(null)
  now: string | null = $state(null)
  /** Whether its upload is running. */
  isUploading = false

  constructor(name: string) {
    this.name = name
  }

  /** What the whole row shows: a server is done when all its steps are. */
  judge(): void {
    let worst = 'ok'
    let any = false
    let open = false
    this.isUploading = false
    for (const node of this.nodes) {
      any ||= node.status !== 'pending'
      open ||= node.status === 'pending'
      this.isUploading ||= node.step === 'upload' && node.status === 'running'
      if ((BADNESS[node.status] ?? 0) > (BADNESS[worst] ?? 0)) worst = node.status
    }
    // Between two steps of its own it waits for the others; that is neither done nor untouched.
    if (worst === 'pending' && any && open) worst = 'staged'
    this.worst = worst
  }
}

export class ReleaseModel {
  readonly nodes = new Map<string, NodeState>()
  readonly rowByName = new Map<string, Row>()
  release: Release = $state.raw(undefined as unknown as Release)
  status: ReleaseStatus = $state('queued')
  reason: string | null = $state(null)
  endedAt: string | null = $state(null)
  startedAt: string | null = $state(null)
  /** Shared steps before the servers, and after them. */
  before: NodeState[] = $state.raw([])
  after: NodeState[] = $state.raw([])
  rows: Row[] = $state.raw([])
  /** How many servers stand where, by the worst of their steps. */
  counts: Record<string, number> = $state.raw({})
  watching: string[] = $state.raw([])
  /** Servers that somebody asked to leave out; it is done when their state says so. */
  leaving: ReadonlySet<string> = $state.raw(new Set())
  #isAskedToStop = $state(false)
  #isAskedToWait = $state(false)
  #isUploading = $state(false)
  /** How far the uploads are that are under way; nothing when nobody has said so. */
  uploads: Uploads | null = $state.raw(null)
  seq = 0
  stream = ''

  constructor(snapshot: Snapshot) {
    this.read(snapshot)
  }

  /** Becomes what a snapshot says. */
  read(snapshot: Snapshot): void {
    this.nodes.clear()
    this.rowByName.clear()
    this.release = snapshot.release
    this.status = snapshot.release.status as ReleaseStatus
    this.reason = snapshot.release.reason ?? null
    this.startedAt = snapshot.release.started_at ?? null
    this.endedAt = snapshot.release.ended_at ?? null
    this.watching = snapshot.watching ?? []
    this.take(snapshot.release)
    this.seq = snapshot.seq
    this.stream = snapshot.stream
    for (const server of snapshot.release.servers) {
      const row = new Row(server.name)
      Object.assign(row, { state: server.state, before: server.before ?? null, now: server.now ?? null })
      this.rowByName.set(server.name, row)
    }
    for (const node of snapshot.nodes) this.nodes.set(node.key, new NodeState(node))
    this.#arrange()
    this.progress(snapshot.progress)
  }

  /** Takes facts in that follow the last one. Log and chat are shown elsewhere. */
  apply(facts: Fact[]): void {
    const touched = new Set<Row>()
    const told = new Set<string>()
    let added = false
    for (const fact of facts) {
      this.seq = fact.seq
      if (fact.kind === 'release') this.#release(fact.data.status, fact.data.reason ?? null, fact.at)
      if (fact.kind !== 'node') continue
      const { data } = fact
      if (data.added && !this.nodes.has(data.key)) {
        this.nodes.set(data.key, new NodeState({ ...data.added, status: 'pending', attempt: 0 } as Node))
        added = true
      }
      const node = this.nodes.get(data.key)
      node?.apply(data, fact.at)
      told.add(data.key)
      const row = node?.server ? this.rowByName.get(node.server) : undefined
      if (row) touched.add(row)
      if (data.server) this.#server(data.server)
    }
    if (added) this.#arrange()
    else if (touched.size > 0) {
      for (const row of touched) row.judge()
      this.#count()
    }
    this.#forget(told)
  }

  /** Takes in what an answer says was asked of the release; how it stands is told by facts alone. */
  take(release: Release): void {
    this.#isAskedToStop = release.stopping
    // An answer that comes late does not make it wait once more.
    this.#isAskedToWait = this.status === 'running' && release.pausing === true
  }

  /** Takes in its place in the queue; no fact tells that others went on. */
  place(release: Release): void {
    if (this.status === 'queued') this.release = { ...this.release, position: release.position }
  }

  /** Remembers whether a server is to be left out; no fact tells it before it is done. */
  leave(name: string, isLeaving: boolean): void {
    const leaving = new Set(this.leaving)
    if (isLeaving) leaving.add(name)
    else leaving.delete(name)
    this.leaving = leaving
  }

  /** Somebody asked it to stop, and it has not ended yet. */
  get stopping(): boolean {
    return this.#isAskedToStop && this.status === 'running'
  }

  /** Somebody asked it to wait, and it does not wait yet. */
  get pausing(): boolean {
    return this.#isAskedToWait && this.status === 'running' && !this.stopping
  }

  /** Takes in how far the uploads are. Facts win: what is settled is not under way, whatever comes late. */
  progress(raw: unknown): void {
    this.uploads = this.#isOver ? null : readProgress(raw, (key) => {
      const node = this.nodes.get(key)
      return node !== undefined && !SETTLED.has(node.status)
    })
  }

  /** Whether an upload is running, by the facts. */
  get isUploading(): boolean {
    return this.#isUploading && !this.#isOver
  }

  /** How far the upload of a running step is. */
  bytes(node: NodeState): Bytes | undefined {
    return node.status === 'running' ? this.uploads?.nodes.get(node.key) : undefined
  }

  /** Forgets the bytes of steps that a fact spoke of: they have ended, or begin anew. */
  #forget(keys: Set<string>): void {
    const known = this.uploads
    if (!known || !(this.#isOver || [...keys].some((key) => known.nodes.has(key)))) return
    const nodes = new Map([...known.nodes].filter(([key]) => !keys.has(key)))
    this.uploads = nodes.size > 0 && !this.#isOver ? { ...known, nodes } : null
  }

  get #isOver(): boolean {
    return this.ended || this.status === 'interrupted'
  }

  #release(status: ReleaseStatus, reason: string | null, at: string): void {
    this.status = status
    this.reason = reason
    if (status === 'running') this.startedAt ??= at
    this.endedAt = TERMINAL.has(status) ? at : null
    if (status !== 'running') this.#isAskedToWait = false
  }

  #server(fact: ServerFact): void {
    const row = this.rowByName.get(fact.name)
    if (!row) return
    if (fact.before !== undefined) row.before = fact.before || null
    if (fact.now !== undefined) row.now = fact.now || null
    if (fact.state) row.state = fact.state
  }

  /** Sorts the steps to their places. */
  #arrange(): void {
    const groups = new Set<string>()
    for (const node of this.nodes.values()) {
      // A step with steps inside is drawn by these.
      if (node.parent && node.key.startsWith(`${node.parent}/`)) groups.add(node.parent)
    }
    const before: NodeState[] = []
    const after: NodeState[] = []
    const byServer = new Map<string, NodeState[]>()
    for (const node of this.nodes.values()) {
      if (groups.has(node.key)) continue
      if (node.server) {
        const list = byServer.get(node.server)
        if (list) list.push(node)
        else byServer.set(node.server, [node])
        const row = this.rowByName.get(node.server)
        if (row) row.batch ??= node.batch
      } else if (/^(staged|batch-|undo$|after_release|on_failure)/.test(node.key)) after.push(node)
      else before.push(node)
    }
    this.before = before
    this.after = after
    for (const row of this.rowByName.values()) {
      row.nodes = byServer.get(row.name) ?? []
      row.judge()
    }
    this.rows = [...this.rowByName.values()]
    this.#count()
  }

  #count(): void {
    const counts: Record<string, number> = {}
    let isUploading = false
    for (const row of this.rows) {
      counts[row.worst] = (counts[row.worst] ?? 0) + 1
      isUploading ||= row.isUploading
    }
    this.counts = counts
    this.#isUploading = isUploading
  }

  get ended(): boolean {
    return TERMINAL.has(this.status)
  }

  /** Whether a server was switched, so that stopping means going back. */
  get switched(): boolean {
    return this.rows.some((row) => row.state === 'activated' || row.state === 'live')
  }

  /** The steps that failed, the first one first, without those that only hold them. */
  get failures(): NodeState[] {
    return [...this.nodes.values()].filter((node) => {
      if (node.status !== 'failed' && node.status !== 'unknown') return false
      return ![...this.nodes.values()].some(
        (other) => other !== node && other.key.startsWith(`${node.key}/`) && (other.status === 'failed' || other.status === 'unknown'),
      )
    })
  }
}

/** The step that the tab key stops at: the first of `wishes` that is drawn, else the first step of all. */
export function tabStop(drawn: { key: string }[], ...wishes: (string | null)[]): string | undefined {
  return wishes.find((key) => drawn.some((node) => node.key === key)) ?? drawn[0]?.key
}

/** Rows with problems first, otherwise as they were; the same list where there are none. What is at work stays where
 * it is: rows that jump cannot be read. */
export function worstFirst(rows: Row[]): Row[] {
  const isBad = (row: Row): boolean => row.worst === 'failed' || row.worst === 'unknown'
  const bad = rows.filter(isBad)
  return bad.length > 0 ? [...bad, ...rows.filter((row) => !isBad(row))] : rows
}
