// Requests: JSON in, JSON out, and one kind of error for everything that the server refuses.
import type { FieldError, ProblemBody } from './types'

/** What the server refused, as it said it (RFC 9457). */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly hint?: string
  readonly errors: FieldError[]
  readonly release?: number

  constructor(body: Partial<ProblemBody> & { status: number }) {
    super(body.detail ?? `HTTP ${body.status}`)
    this.name = 'Problem'
    this.status = body.status
    this.code = body.code ?? 'unknown'
    this.hint = body.hint ?? undefined
    this.errors = body.errors ?? []
    this.release = body.release ?? undefined
  }

  /** What is wrong with the field at `path`. */
  field(path: string): string | undefined {
    return this.errors.find((error) => error.field === path)?.message
  }
}

/** The server cannot be reached. */
export class Offline extends Error {
  constructor() {
    super('offline')
    this.name = 'Offline'
  }
}

/** What came as an answer is none: it broke off, or somebody on the way changed it. */
export class Unreadable extends Error {
  constructor() {
    super('unreadable')
    this.name = 'Unreadable'
  }
}

type Query = Record<string, string | number | boolean | null | undefined>

/** Hears that nobody is signed in; answers when somebody is again, where that is waited for. */
type SignedOut = () => Promise<void> | null

let signedOut: SignedOut = () => null

/** Calls `tell` whenever an answer says that nobody is signed in. */
export function onSignedOut(tell: SignedOut): void {
  signedOut = tell
}

let answered: (answer: Response) => void = () => {}

/** Calls `tell` with every answer of the server. */
export function onAnswer(tell: (answer: Response) => void): void {
  answered = tell
}

export function url(path: string, query: Query = {}): string {
  const words = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') words.set(key, String(value))
  }
  const text = words.toString()
  return `/api/v1${path}${text ? `?${text}` : ''}`
}

/** `web-1` and the like as one part of a path. */
export const part = encodeURIComponent

/** What is only asked for waits where nobody is signed in, and is asked for again when somebody is: its screen goes on. */
export async function request(method: string, target: string, init: RequestInit = {}, waits = method === 'GET'): Promise<Response> {
  let answer: Response
  try {
    answer = await fetch(target, { method, credentials: 'same-origin', cache: 'no-store', ...init })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Offline()
  }
  answered(answer)
  if (answer.ok) return answer
  const again = waits ? said(target, answer.status) : null
  if (again) {
    await until(again, init.signal)
    return request(method, target, init, waits)
  }
  throw refusal(target, answer.status, await answer.json().catch(() => ({})))
}

/** What was refused at `target`; says so where nobody is signed in. */
export function refusal(target: string, status: number, body: Partial<ProblemBody>): Problem {
  void said(target, status)
  return new Problem({ ...body, status })
}

/** Says so when an answer means that nobody is signed in. */
function said(target: string, status: number): Promise<void> | null {
  return status === 401 && target !== '/api/v1/session' ? signedOut() : null
}

/** Waits for `done`, unless that is aborted. */
function until(done: Promise<void>, signal?: AbortSignal | null): Promise<void> {
  return new Promise((goOn, stop) => {
    const aborted = (): void => stop(signal?.reason)
    if (signal?.aborted) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
    void done.then(goOn)
  })
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const answer = await request('GET', url(path, query), { signal })
  return answer.json()
}

export async function send<T>(method: string, path: string, body?: unknown, query?: Query, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' }
  // A repeated press, or a request that was repeated on the way, does its work once.
  if (method === 'POST') headers['Idempotency-Key'] = key()
  const answer = await request(method, url(path, query), { headers, body: JSON.stringify(body ?? {}), signal })
  return answer.status === 204 ? (undefined as T) : answer.json()
}

function key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What went wrong, as a sentence and what to do next. */
export function told(error: unknown): { message: string; hint?: string } {
  if (error instanceof Problem) return { message: error.message, hint: error.hint }
  return { message: error instanceof Error ? error.message : String(error) }
}
