// The push client as a pure state machine: WebSocket, then held polls, then plain polls, and back. It knows no
// clock, no network and no page: inputs come in, a new state and effects come out (design: ui.md section 4.3).

export type Mode = 'idle' | 'try_ws' | 'live_ws' | 'wait' | 'long_poll' | 'poll' | 'offline' | 'signed_out'

export type State = {
  mode: Mode
  /** The WebSocket worked once in this page, so that a failure is a bad moment and not a bad network. */
  everLive: boolean
  /** Failed returns to the WebSocket, one after another. */
  failures: number
  /** Held polls that were cut, one after another. */
  cuts: number
  hidden: boolean
  /** A WebSocket is tried beside the polls. */
  probing: boolean
}

export type Input =
  | { type: 'start'; preferPolling?: boolean }
  | { type: 'hello' }
  | { type: 'ws_closed'; code: number }
  | { type: 'silent' }
  | { type: 'polled'; heldMs: number; events: boolean }
  | { type: 'poll_failed'; status: number; heldMs: number }
  | { type: 'timer'; name: Timer }
  | { type: 'hidden' }
  | { type: 'visible'; silentMs: number }
  | { type: 'online' }
  | { type: 'offline' }
  | { type: 'signed_out' }
  | { type: 'signed_in' }
  | { type: 'stop' }

export type Timer = 'hello' | 'again' | 'next_poll' | 'probe' | 'let_go'

export type Effect =
  | { type: 'open_ws' }
  | { type: 'close_ws' }
  | { type: 'poll'; wait: number }
  | { type: 'stop_poll' }
  | { type: 'timer'; name: Timer; ms: number }
  | { type: 'stop_timer'; name: Timer }
  | { type: 'remember_polling' }
  | { type: 'forget_polling' }
  | { type: 'ask_sign_in' }

/** How long the first word of a WebSocket may take. */
export const HELLO = 3_000
/** A WebSocket that says nothing for so long is dead; it pings every 15 s. */
export const SILENCE = 35_000
/** How long a poll is held. */
export const HOLD = 25
/** How often a plain poll is made; the page sees what happens with this delay. */
export const POLL = 3_000
/** A hidden tab asks this seldom, so that it keeps no connection. */
export const HIDDEN_POLL = 60_000
/** How often a better way is tried again: the WebSocket from held polls, held polls from plain ones. */
export const BETTER = { long_poll: 300_000, poll: 120_000 }
/** A held poll that is cut sooner than this was cut by somebody in between. */
export const CUT = 5_000

export const INITIAL: State = {
  mode: 'idle', everLive: false, failures: 0, cuts: 0, hidden: false, probing: false,
}

type Step = { state: State; effects: Effect[] }

/** Does one step. `random` is in [0, 1). */
export function step(state: State, input: Input, random: number): Step {
  switch (input.type) {
    case 'start':
    case 'signed_in':
      return input.type === 'start' && input.preferPolling ? longPoll(state) : tryWs({ ...state, failures: 0 })
    case 'stop':
      return { state: { ...state, mode: 'idle', probing: false }, effects: everythingStops() }
    case 'signed_out':
      return state.mode === 'signed_out' || state.mode === 'idle'
        ? { state, effects: [] }
        : { state: { ...state, mode: 'signed_out', probing: false }, effects: [...everythingStops(), { type: 'ask_sign_in' }] }
    case 'offline':
      return state.mode === 'signed_out' || state.mode === 'idle'
        ? { state, effects: [] }
        : { state: { ...state, mode: 'offline', probing: false }, effects: everythingStops() }
    case 'online':
      return state.mode === 'offline' || state.mode === 'wait' ? tryWs({ ...state, failures: 0 }) : { state, effects: [] }
    case 'hidden':
      return hidden(state)
    case 'visible':
      return visible(state, input.silentMs)
    case 'hello':
      return hello(state)
    case 'silent':
      return state.mode === 'live_ws' ? wait({ ...state }, random, [{ type: 'close_ws' }]) : { state, effects: [] }
    case 'ws_closed':
      return closed(state, input.code, random)
    case 'polled':
      return polled(state, input)
    case 'poll_failed':
      return pollFailed(state, input, random)
    case 'timer':
      return timer(state, input.name, random)
  }
}

function everythingStops(): Effect[] {
  const timers: Timer[] = ['hello', 'again', 'next_poll', 'probe', 'let_go']
  return [{ type: 'close_ws' }, { type: 'stop_poll' }, ...timers.map((name): Effect => ({ type: 'stop_timer', name }))]
}

function tryWs(state: State): Step {
  return {
    state: { ...state, mode: 'try_ws', probing: false, cuts: 0 },
    effects: [...everythingStops(), { type: 'open_ws' }, { type: 'timer', name: 'hello', ms: HELLO }],
  }
}

function longPoll(state: State): Step {
  return {
    state: { ...state, mode: 'long_poll', probing: false, cuts: 0 },
    effects: [
      ...everythingStops(),
      { type: 'poll', wait: state.hidden ? 0 : HOLD },
      { type: 'timer', name: 'probe', ms: BETTER.long_poll },
    ],
  }
}

function poll(state: State): Step {
  return {
    state: { ...state, mode: 'poll', probing: false, cuts: 0 },
    effects: [
      ...everythingStops(),
      { type: 'timer', name: 'next_poll', ms: state.hidden ? HIDDEN_POLL : POLL },
      { type: 'timer', name: 'probe', ms: BETTER.poll },
    ],
  }
}

function wait(state: State, random: number, before: Effect[] = []): Step {
  const failures = state.failures + 1
  if (failures > 3) return longPoll({ ...state, failures: 0 })
  const ms = 500 + random * Math.min(20_000, 500 * 2 ** failures)
  return {
    state: { ...state, mode: 'wait', failures, probing: false },
    effects: [...before, { type: 'stop_timer', name: 'hello' }, { type: 'timer', name: 'again', ms }],
  }
}

function hello(state: State): Step {
  const live = { ...state, mode: 'live_ws' as const, everLive: true, failures: 0, cuts: 0, probing: false }
  const quiet: Effect[] = (['hello', 'again', 'next_poll', 'probe', 'let_go'] as const).map((name) => ({ type: 'stop_timer', name }))
  if (state.mode === 'try_ws') return { state: live, effects: [...quiet, { type: 'forget_polling' }] }
  if (state.probing) return { state: live, effects: [{ type: 'stop_poll' }, ...quiet, { type: 'forget_polling' }] }
  return { state, effects: [] }
}

function closed(state: State, code: number, random: number): Step {
  if (code === 4401) return step(state, { type: 'signed_out' }, random)
  if (state.mode === 'live_ws') return wait(state, random)
  if (state.mode === 'try_ws') {
    if (state.everLive) return wait(state, random)
    const next = longPoll(state)
    return { ...next, effects: [...next.effects, { type: 'remember_polling' }] }
  }
  if (state.probing) return notBetter(state)
  return { state, effects: [] }
}

/** The WebSocket that was tried beside the polls does not work either. Held polls may, where there were plain ones. */
function notBetter(state: State): Step {
  if (state.mode === 'poll') {
    const next = longPoll({ ...state, failures: 0 })
    // They were cut before: once more is enough.
    return { ...next, state: { ...next.state, cuts: 1 } }
  }
  return {
    state: { ...state, probing: false },
    effects: [
      { type: 'close_ws' },
      { type: 'stop_timer', name: 'hello' },
      { type: 'timer', name: 'probe', ms: BETTER.long_poll },
    ],
  }
}

function polled(state: State, input: { heldMs: number; events: boolean }): Step {
  if (state.mode === 'long_poll') {
    const held = input.events || input.heldMs >= CUT ? 0 : state.cuts
    if (state.hidden) {
      return { state: { ...state, cuts: held }, effects: [{ type: 'timer', name: 'next_poll', ms: HIDDEN_POLL }] }
    }
    // A server that stops answers at once and with nothing: asking again without a pause would be a storm.
    const effect: Effect = input.events || input.heldMs >= 1_000
      ? { type: 'poll', wait: HOLD }
      : { type: 'timer', name: 'next_poll', ms: 1_000 }
    return { state: { ...state, cuts: held, failures: 0 }, effects: [effect] }
  }
  if (state.mode === 'poll') {
    const ms = input.events && !state.hidden ? 500 : state.hidden ? HIDDEN_POLL : POLL
    return { state: { ...state, failures: 0 }, effects: [{ type: 'timer', name: 'next_poll', ms }] }
  }
  return { state, effects: [] }
}

function pollFailed(state: State, input: { status: number; heldMs: number }, random: number): Step {
  if (input.status === 401) return step(state, { type: 'signed_out' }, random)
  if (state.mode !== 'long_poll' && state.mode !== 'poll') return { state, effects: [] }
  const failures = state.failures + 1
  const ms = 500 + random * Math.min(20_000, 500 * 2 ** failures)
  if (state.mode === 'long_poll') {
    const cut = input.status === 502 || input.status === 504 || (input.heldMs >= 500 && input.heldMs < HOLD * 1000)
    const cuts = state.cuts + (cut ? 1 : 0)
    if (cuts >= 2) return poll({ ...state, failures: 0 })
    return { state: { ...state, cuts, failures }, effects: [{ type: 'timer', name: 'next_poll', ms }] }
  }
  return { state: { ...state, failures }, effects: [{ type: 'timer', name: 'next_poll', ms: Math.max(ms, POLL) }] }
}

function timer(state: State, name: Timer, random: number): Step {
  switch (name) {
    case 'hello':
      if (state.mode === 'try_ws') {
        const next = closed(state, 0, random)
        return { ...next, effects: [{ type: 'close_ws' }, ...next.effects] }
      }
      return state.probing ? notBetter(state) : { state, effects: [] }
    case 'again':
      if (state.mode !== 'wait') return { state, effects: [] }
      return {
        state: { ...state, mode: 'try_ws' },
        effects: [{ type: 'open_ws' }, { type: 'timer', name: 'hello', ms: HELLO }],
      }
    case 'next_poll':
      if (state.mode === 'long_poll') return { state, effects: [{ type: 'poll', wait: state.hidden ? 0 : HOLD }] }
      if (state.mode === 'poll') return { state, effects: [{ type: 'poll', wait: 0 }] }
      return { state, effects: [] }
    case 'probe':
      if ((state.mode !== 'long_poll' && state.mode !== 'poll') || state.probing) return { state, effects: [] }
      return {
        state: { ...state, probing: true },
        effects: [{ type: 'open_ws' }, { type: 'timer', name: 'hello', ms: HELLO }],
      }
    case 'let_go':
      if (!state.hidden || state.mode !== 'long_poll') return { state, effects: [] }
      return { state, effects: [{ type: 'stop_poll' }, { type: 'timer', name: 'next_poll', ms: HIDDEN_POLL }] }
  }
}

function hidden(state: State): Step {
  const next = { ...state, hidden: true }
  return state.mode === 'long_poll'
    ? { state: next, effects: [{ type: 'timer', name: 'let_go', ms: 5_000 }] }
    : { state: next, effects: [] }
}

function visible(state: State, silentMs: number): Step {
  const next = { ...state, hidden: false }
  switch (state.mode) {
    case 'live_ws':
      return silentMs > SILENCE ? tryWs({ ...next, failures: 0 }) : { state: next, effects: [] }
    case 'wait':
      return tryWs({ ...next, failures: 0 })
    case 'long_poll':
      return {
        state: next,
        effects: [
          { type: 'stop_timer', name: 'let_go' }, { type: 'stop_timer', name: 'next_poll' },
          { type: 'stop_poll' }, { type: 'poll', wait: HOLD },
        ],
      }
    case 'poll':
      return { state: next, effects: [{ type: 'stop_timer', name: 'next_poll' }, { type: 'stop_poll' }, { type: 'poll', wait: 0 }] }
    default:
      return { state: next, effects: [] }
  }
}
