// The push client of the page: gives the machine its clock, its network and its tab, and hands facts to whoever
// subscribed, once per drawn frame.
import { Problem, request, url } from '../api/client'
import type { Batch, Fact, Progress } from '../api/types'
import { type Effect, HOLD, INITIAL, type Input, type Mode, SILENCE, type State, type Timer, step } from './machine'
import { END, Position } from './topics'

export type Handlers = {
  /** New facts, in order and once. */
  facts: (facts: Fact[]) => void
  /** The page does not know everything any more: read the snapshot again, and answer where it stands. */
  reset: () => Promise<{ after: number; stream: string | null } | null>
  /** It is known now where the end was that is followed from: what was read before may miss what came meanwhile. */
  began?: () => void
  /** Who watches. */
  presence?: (users: string[]) => void
  /** How far the uploads are; only the WebSocket tells it. */
  progress?: (progress: Progress) => void
}

type Subscription = { topic: string; position: Position; logs: string; handlers: Handlers; resetting: boolean; facts: Fact[] }

const REMEMBERED = 'aweigh-polling-until'
const FOR = 10 * 60_000
/** After so many facts at once the next ones wait so many milliseconds. */
const MANY = 50
const PAUSE = 100

class Push {
  /** How the page is told now. */
  mode: Mode = $state('idle')
  /** When something arrived last. */
  heardAt = $state(Date.now())
  /** The version of the server, from its first word. */
  version: string | null = $state(null)

  #state: State = INITIAL
  #subscriptions = new Map<string, Subscription>()
  #socket: WebSocket | null = null
  #poll: AbortController | null = null
  #timers = new Map<Timer, ReturnType<typeof setTimeout>>()
  #flushing = false
  /** Facts that come before this moment wait for it. */
  #rest = 0
  #watching = false
  #signedOut: () => void = () => {}

  /** Begins to listen; `signedOut` is called when the session has ended. */
  start(signedOut: () => void): void {
    this.#signedOut = signedOut
    this.#watchTab()
    // A tab that is opened behind others is told nothing of it.
    if (document.hidden) this.#input({ type: 'hidden' })
    const preferPolling = Number(sessionStorage.getItem(REMEMBERED) ?? 0) > Date.now()
    this.#input({ type: 'start', preferPolling })
  }

  stop(): void {
    this.#input({ type: 'stop' })
  }

  signedOut(): void {
    this.#input({ type: 'signed_out' })
  }

  /** Follows `topic` after a number; answers how to change the wanted log text, and how to end it. */
  subscribe(topic: string, after: number, stream: string | null, logs: string, handlers: Handlers) {
    const one: Subscription = { topic, position: new Position(after, stream), logs, handlers, resetting: false, facts: [] }
    this.#subscriptions.set(topic, one)
    this.#ask(one)
    return {
      logs: (wanted: string): void => {
        if (one.logs === wanted) return
        one.logs = wanted
        this.#ask(one)
      },
      end: (): void => {
        if (this.#subscriptions.get(topic) !== one) return
        this.#subscriptions.delete(topic)
        this.#say({ unsubscribe: [topic] })
      },
    }
  }

  /** Follows `topic` from its end on; `again` reads what is shown whenever something may have been missed. Answers how to
   * end it. */
  follow(topic: string, facts: Handlers['facts'], again: () => void): () => void {
    const reset = async () => ({ after: END, stream: null })
    return this.subscribe(topic, END, null, 'none', { facts, reset, began: again }).end
  }

  #ask(one: Subscription): void {
    const { mode, hidden } = this.#state
    if (mode === 'live_ws') this.#say({ subscribe: { [one.topic]: { after: one.position.after, logs: one.logs } } })
    else if (mode === 'long_poll' || mode === 'poll') {
      // The poll under way does not know of it, and the next one may be far.
      this.#poll?.abort()
      this.#do({ type: 'poll', wait: mode === 'long_poll' && !hidden ? HOLD : 0 })
    }
  }

  #say(message: unknown): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #input(input: Input): void {
    const next = step(this.#state, input, Math.random())
    this.#state = next.state
    this.mode = next.state.mode
    for (const effect of next.effects) this.#do(effect)
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case 'open_ws': return this.#open()
      case 'close_ws': return this.#close()
      case 'poll': void this.#round(effect.wait); return
      case 'stop_poll': this.#poll?.abort(); this.#poll = null; return
      case 'timer': {
        clearTimeout(this.#timers.get(effect.name))
        this.#timers.set(effect.name, setTimeout(() => this.#input({ type: 'timer', name: effect.name }), effect.ms))
        return
      }
      case 'stop_timer': clearTimeout(this.#timers.get(effect.name)); return
      case 'remember_polling': sessionStorage.setItem(REMEMBERED, String(Date.now() + FOR)); return
      case 'forget_polling': sessionStorage.removeItem(REMEMBERED); return
      case 'ask_sign_in': return this.#signedOut()
    }
  }

  #open(): void {
    this.#close()
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/push`)
    this.#socket = socket
    socket.onmessage = (message) => {
      if (this.#socket === socket) this.#heard(JSON.parse(message.data))
    }
    socket.onclose = (event) => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#input({ type: 'ws_closed', code: event.code })
    }
  }

  #close(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  #heard(message: Record<string, any>): void {
    this.heardAt = Date.now()
    if (message.hello) {
      this.version = message.hello.version
      const wanted = Object.fromEntries(
        [...this.#subscriptions.values()].map((one) => [one.topic, { after: one.position.after, logs: one.logs }]),
      )
      if (Object.keys(wanted).length > 0) this.#say({ subscribe: wanted })
      this.#input({ type: 'hello' })
    } else if (message.presence) {
      this.#subscriptions.get(message.presence.topic)?.handlers.presence?.(message.presence.users)
    } else if (message.progress) {
      this.#subscriptions.get(message.progress.topic)?.handlers.progress?.(message.progress)
    } else if (message.topic) {
      this.#take(message as Batch)
    }
  }

  /** One poll of every topic; the first one is held. */
  async #round(hold: number): Promise<void> {
    this.#poll?.abort()
    const stop = new AbortController()
    this.#poll = stop
    const began = performance.now()
    let events = false
    try {
      const topics = [...this.#subscriptions.values()]
      for (const [index, one] of topics.entries()) {
        // All but the last are asked at once, so that none of them waits for another.
        const wait = index === topics.length - 1 ? hold : 0
        const query = { topic: one.topic, after: one.position.after, logs: one.logs, wait }
        const answer = await request('GET', url('/events', query), { signal: stop.signal })
        const batch: Batch = await answer.json()
        this.version = answer.headers.get('aweigh-version') ?? this.version
        this.heardAt = Date.now()
        events = events || batch.events.length > 0
        this.#take(batch)
      }
      if (this.#poll !== stop) return
      this.#poll = null
      this.#input({ type: 'polled', heldMs: performance.now() - began, events })
    } catch (error) {
      if (this.#poll !== stop) return
      this.#poll = null
      const status = error instanceof Problem ? error.status : 0
      // A topic that is gone is nobody's fault; the page that shows it says so itself.
      if (status === 404) this.#input({ type: 'polled', heldMs: performance.now() - began, events })
      else this.#input({ type: 'poll_failed', status, heldMs: performance.now() - began })
    }
  }

  #take(batch: Batch): void {
    const one = this.#subscriptions.get(batch.topic)
    if (!one || one.resetting) return
    const begins = one.position.after === END
    const { facts, reset } = one.position.take(batch)
    one.facts.push(...facts)
    if (begins && !reset) one.handlers.began?.()
    if (one.facts.length > 0) this.#flushSoon()
    if (reset) void this.#reset(one)
  }

  async #reset(one: Subscription): Promise<void> {
    one.resetting = true
    one.facts = []
    const stand = await one.handlers.reset().catch(() => null)
    one.resetting = false
    if (!stand || this.#subscriptions.get(one.topic) !== one) return
    one.position = new Position(stand.after, stand.stream)
    this.#ask(one)
  }

  /** Hands facts over once per frame, and when they come by the hundred ten times a second: nobody reads faster, and
   * drawing is what costs. A hidden tab draws no frames, so a timer does it there. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    const flush = (): void => {
      if (!this.#flushing) return
      this.#flushing = false
      let handed = 0
      for (const one of this.#subscriptions.values()) {
        if (one.facts.length === 0) continue
        const facts = one.facts
        one.facts = []
        handed += facts.length
        one.handlers.facts(facts)
      }
      this.#rest = handed >= MANY ? performance.now() + PAUSE : 0
    }
    const early = this.#rest - performance.now()
    if (document.hidden || early > 0) setTimeout(flush, PAUSE)
    else {
      requestAnimationFrame(flush)
      // A tab that is hidden before the frame comes gets none.
      setTimeout(flush, 250)
    }
  }

  #watchTab(): void {
    if (this.#watching) return
    this.#watching = true
    const seen = (): void => {
      if (document.hidden) this.#input({ type: 'hidden' })
      else this.#input({ type: 'visible', silentMs: Date.now() - this.heardAt })
    }
    document.addEventListener('visibilitychange', seen)
    // After a freeze Chromium tells only this.
    document.addEventListener('resume', seen)
    addEventListener('pageshow', seen)
    addEventListener('online', () => this.#input({ type: 'online' }))
    addEventListener('offline', () => this.#input({ type: 'offline' }))
    setInterval(() => {
      if (this.#state.mode === 'live_ws' && Date.now() - this.heardAt > SILENCE) this.#input({ type: 'silent' })
    }, 5_000)
  }
}

export const push = new Push()
