// The push client against a network that does everything a network may do.
import { describe, expect, test } from 'vitest'
import { type Effect, INITIAL, type Input, POLL, type State, step } from '../../src/push/machine'
import { END, Position } from '../../src/push/topics'
import type { Batch, Fact } from '../../src/api/types'

/** Runs inputs one after another; answers the state and the effects of the last. */
function run(inputs: Input[], from: State = INITIAL): { state: State; effects: Effect[] } {
  let now = { state: from, effects: [] as Effect[] }
  for (const input of inputs) now = step(now.state, input, 0.5)
  return now
}

const LIVE = run([{ type: 'start' }, { type: 'hello' }]).state
const HELD = run([{ type: 'start' }, { type: 'ws_closed', code: 1006 }]).state

describe('the table of states', () => {
  test.each<[string, State, Input[], State['mode'], Effect['type'][]]>([
    ['it begins with a WebSocket', INITIAL, [{ type: 'start' }], 'try_ws', ['open_ws']],
    ['a hello makes it live', INITIAL, [{ type: 'start' }, { type: 'hello' }], 'live_ws', ['forget_polling']],
    ['a network that never let a WebSocket through gets held polls', INITIAL, [{ type: 'start' }, { type: 'ws_closed', code: 1006 }], 'long_poll', ['poll', 'remember_polling']],
    ['so does one that says nothing', INITIAL, [{ type: 'start' }, { type: 'timer', name: 'hello' }], 'long_poll', ['close_ws', 'poll']],
    ['what is remembered is not tried again', INITIAL, [{ type: 'start', preferPolling: true }], 'long_poll', ['poll']],
    ['a live one that ends is tried again', LIVE, [{ type: 'ws_closed', code: 1001 }], 'wait', ['timer']],
    ['a silent one is given up', LIVE, [{ type: 'silent' }], 'wait', ['close_ws', 'timer']],
    ['signing out is told', LIVE, [{ type: 'ws_closed', code: 4401 }], 'signed_out', ['ask_sign_in']],
    ['and goes on after signing in', LIVE, [{ type: 'ws_closed', code: 4401 }, { type: 'signed_in' }], 'try_ws', ['open_ws']],
    ['a held poll that is answered is asked again', HELD, [{ type: 'polled', heldMs: 25_000, events: false }], 'long_poll', ['poll']],
    ['a server that stops is not stormed', HELD, [{ type: 'polled', heldMs: 3, events: false }], 'long_poll', ['timer']],
    ['one cut is bad luck', HELD, [{ type: 'poll_failed', status: 0, heldMs: 1_000 }], 'long_poll', ['timer']],
    ['two are a proxy', HELD, [{ type: 'poll_failed', status: 0, heldMs: 1_000 }, { type: 'poll_failed', status: 504, heldMs: 1_000 }], 'poll', ['timer']],
    ['a better way is tried beside the polls', HELD, [{ type: 'timer', name: 'probe' }], 'long_poll', ['open_ws']],
    ['and taken when it works', HELD, [{ type: 'timer', name: 'probe' }, { type: 'hello' }], 'live_ws', ['stop_poll']],
    ['or left when it does not', HELD, [{ type: 'timer', name: 'probe' }, { type: 'ws_closed', code: 1006 }], 'long_poll', ['close_ws', 'timer']],
    ['a hidden tab lets its connection go', HELD, [{ type: 'hidden' }, { type: 'timer', name: 'let_go' }], 'long_poll', ['stop_poll', 'timer']],
    ['and takes it up when it is seen', HELD, [{ type: 'hidden' }, { type: 'timer', name: 'let_go' }, { type: 'visible', silentMs: 9e9 }], 'long_poll', ['poll']],
    ['a tab that slept long does not trust its socket', LIVE, [{ type: 'hidden' }, { type: 'visible', silentMs: 36_000 }], 'try_ws', ['open_ws']],
    ['one that slept short does', LIVE, [{ type: 'hidden' }, { type: 'visible', silentMs: 1_000 }], 'live_ws', []],
    ['offline does nothing', LIVE, [{ type: 'offline' }, { type: 'timer', name: 'again' }], 'offline', []],
    ['online begins at once', LIVE, [{ type: 'offline' }, { type: 'online' }], 'try_ws', ['open_ws']],
    ['an ended session is noticed by a poll', HELD, [{ type: 'poll_failed', status: 401, heldMs: 5 }], 'signed_out', ['ask_sign_in']],
  ])('%s', (_, from, inputs, mode, effects) => {
    const end = run(inputs, from)
    expect(end.state.mode).toBe(mode)
    for (const effect of effects) expect(end.effects.map((one) => one.type)).toContain(effect)
    if (effects.length === 0) expect(end.effects).toEqual([])
  })

  test('three failed returns become held polls', () => {
    let now = { state: LIVE, effects: [] as Effect[] }
    for (let tries = 0; tries < 4; tries++) {
      now = step(now.state, { type: 'ws_closed', code: 1006 }, 0.5)
      if (now.state.mode === 'wait') now = step(now.state, { type: 'timer', name: 'again' }, 0.5)
    }
    expect(now.state.mode).toBe('long_poll')
  })
})

/** A small random generator with a seed, so that a failure can be repeated. */
function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A server with a journal, and a network between it and the page that breaks as the dice say. */
class World {
  state: State = INITIAL
  seen: Fact[] = []
  position = new Position(0, null)
  journal: Fact[] = []
  stream = 'a'
  now = 0
  resets = 0
  socket: { open: boolean; at: number; sent: number } | null = null
  polling: { since: number; wait: number } | null = null
  timers = new Map<string, number>()
  lastHeard = 0
  wsWorks = true
  pollsWork = true

  constructor(readonly random: () => number) {}

  input(input: Input): void {
    const next = step(this.state, input, this.random())
    this.state = next.state
    for (const effect of next.effects) this.do(effect)
  }

  do(effect: Effect): void {
    switch (effect.type) {
      case 'open_ws': this.socket = { open: false, at: this.now, sent: this.position.after }; break
      case 'close_ws': this.socket = null; break
      case 'poll': this.polling = { since: this.now, wait: effect.wait * 1000 }; break
      case 'stop_poll': this.polling = null; break
      case 'timer': this.timers.set(effect.name, this.now + effect.ms); break
      case 'stop_timer': this.timers.delete(effect.name); break
      case 'ask_sign_in': this.timers.set('sign_in', this.now + 1_000); break
    }
  }

  take(batch: Batch): void {
    this.lastHeard = this.now
    const { facts, reset } = this.position.take(batch)
    this.seen.push(...facts)
    if (reset) {
      // The page reads its snapshot again, and goes on after it.
      this.resets++
      this.seen = this.journal.slice()
      this.position = new Position(this.journal.length, this.stream)
      if (this.socket) this.socket.sent = this.journal.length
    }
  }

  batch(after: number, most: number): Batch {
    const events = this.journal.slice(after, after + most)
    return { topic: 't', stream: this.stream, events, seq: events.at(-1)?.seq ?? Math.min(after, this.journal.length) }
  }

  say(): void {
    const seq = this.journal.length + 1
    this.journal.push({ seq, at: '', kind: 'chat', data: { user: 'li', text: `${this.stream}${seq}` } })
  }

  tick(ms: number): void {
    this.now += ms
    for (const [name, at] of [...this.timers]) {
      if (at > this.now) continue
      this.timers.delete(name)
      if (name === 'sign_in') this.input({ type: 'signed_in' })
      else this.input({ type: 'timer', name: name as never })
    }
    const { socket, polling } = this
    if (socket && !socket.open && this.now - socket.at > 50) {
      if (this.wsWorks) {
        socket.open = true
        socket.sent = this.position.after
        this.input({ type: 'hello' })
        // The answer to a subscription comes at once, even an empty one: it tells the stream.
        const first = this.batch(socket.sent, 5)
        socket.sent = first.seq
        this.take(first)
      } else if (this.random() < 0.5) {
        this.socket = null
        this.input({ type: 'ws_closed', code: 1006 })
      }
    }
    if (socket?.open && this.socket === socket) {
      // Sometimes the server repeats what was on its way.
      const from = this.random() < 0.2 ? Math.max(0, socket.sent - 2) : socket.sent
      const batch = this.batch(from, 5)
      if (batch.events.length > 0) {
        socket.sent = batch.seq
        this.take(batch)
      } else if (this.random() < 0.05) this.lastHeard = this.now
    }
    if (polling) {
      const heldMs = this.now - polling.since
      const batch = this.batch(this.position.after, 5)
      if (!this.pollsWork) {
        if (heldMs > 800) {
          this.polling = null
          this.input({ type: 'poll_failed', status: this.random() < 0.5 ? 504 : 0, heldMs })
        }
      } else if (batch.events.length > 0 || heldMs >= polling.wait) {
        this.polling = null
        this.take(batch)
        this.input({ type: 'polled', heldMs, events: batch.events.length > 0 })
      }
    }
    if (this.state.mode === 'live_ws' && this.now - this.lastHeard > 35_000) this.input({ type: 'silent' })
  }

  /** Something happens to the network, the server or the tab. */
  mishap(): void {
    const dice = Math.floor(this.random() * 12)
    if (dice === 0 && this.socket) { this.socket = null; this.input({ type: 'ws_closed', code: 1006 }) }
    if (dice === 1) this.wsWorks = !this.wsWorks
    if (dice === 2) this.pollsWork = !this.pollsWork
    if (dice === 3) this.input({ type: 'hidden' })
    if (dice === 4) this.input({ type: 'visible', silentMs: this.now - this.lastHeard })
    if (dice === 5) this.input({ type: 'offline' })
    if (dice === 6) this.input({ type: 'online' })
    if (dice === 7 && this.socket) { this.socket = null; this.input({ type: 'ws_closed', code: 4401 }) }
    if (dice === 8 && this.polling) { this.polling = null; this.input({ type: 'poll_failed', status: 401, heldMs: 5 }) }
    // The socket dies without a word.
    if (dice === 9 && this.socket) this.socket = { open: false, at: this.now + 1e9, sent: 0 }
    // A backup is restored: the server stops, and what it says afterwards is numbered anew.
    if (dice === 10) {
      this.stream += '\''
      this.journal = []
      this.say()
      if (this.socket) { this.socket = null; this.input({ type: 'ws_closed', code: 1001 }) }
      if (this.polling) { this.polling = null; this.input({ type: 'poll_failed', status: 0, heldMs: 5 }) }
    }
  }
}

test.each(Array.from({ length: 300 }, (_, seed) => seed))('no fact is lost or doubled, whatever happens (seed %i)', (seed) => {
  const random = generator(seed)
  const world = new World(random)
  world.say()
  world.input({ type: 'start' })
  for (let moment = 0; moment < 400; moment++) {
    if (random() < 0.4) world.say()
    if (random() < 0.15) world.mishap()
    world.tick(Math.floor(random() * 3_000))
  }
  // All is well again: it comes back to the WebSocket by itself and has everything.
  world.wsWorks = world.pollsWork = true
  world.input({ type: 'online' })
  world.input({ type: 'visible', silentMs: world.now - world.lastHeard })
  for (let moment = 0; moment < 700; moment++) world.tick(1_000)
  expect(world.state.mode).toBe('live_ws')
  expect(world.seen).toEqual(world.journal)
})

describe('positions', () => {
  const fact = (seq: number): Fact => ({ seq, at: '', kind: 'chat', data: { user: 'li', text: `${seq}` } })
  const batch = (from: number, to: number, stream = 's'): Batch => ({
    topic: 't', stream, events: Array.from({ length: to - from + 1 }, (_, n) => fact(from + n)), seq: to,
  })

  test('what is known is passed over, a hole asks for everything', () => {
    const position = new Position(3, 's')
    expect(position.take(batch(2, 5)).facts.map((one) => one.seq)).toEqual([4, 5])
    expect(position.take(batch(4, 5))).toEqual({ facts: [], reset: false })
    expect(position.take(batch(8, 9)).reset).toBe(true)
    expect(position.take(batch(6, 6, 'other')).reset).toBe(true)
    expect(position.take({ topic: 't', stream: 's', events: [], seq: 2 }).reset).toBe(true)
  })

  test('the end is where the server says', () => {
    const position = new Position(END, null)
    expect(position.take({ topic: 't', stream: 's', events: [], seq: 7 })).toEqual({ facts: [], reset: false })
    expect(position.take(batch(8, 8)).facts).toHaveLength(1)
  })
})

test('plain polls keep their pace', () => {
  const polling = run([{ type: 'poll_failed', status: 504, heldMs: 900 }, { type: 'poll_failed', status: 504, heldMs: 900 }], HELD)
  expect(polling.effects).toContainEqual({ type: 'timer', name: 'next_poll', ms: POLL })
})
