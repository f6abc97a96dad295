// Who is signed in.
import { Offline, Problem, get, send } from './api/client'
import type { Me } from './api/types'

class Session {
  /** Whoever is signed in; null when nobody is, undefined before it is known. */
  me: Me | null | undefined = $state(undefined)
  /** They are so no more: what they have before them stays until somebody signs in. */
  isOver = $state(false)
  /** The server could not be asked. */
  unreachable = $state(false)
  /** What goes on when somebody signs in. */
  #waiting: (() => void)[] = []

  async ask(): Promise<void> {
    try {
      this.me = await get<Me>('/session')
      this.unreachable = false
    } catch (error) {
      if (error instanceof Problem) this.me = null
      this.unreachable = error instanceof Offline
    }
  }

  async signIn(user: string, password: string): Promise<void> {
    this.#begin(await send<Me>('POST', '/session', { user, password }))
  }

  async setUp(code: string, password: string): Promise<void> {
    this.#begin(await send<Me>('POST', '/setup', { code, password }))
  }

  async signOut(): Promise<void> {
    try {
      await send('DELETE', '/session')
    } catch (error) {
      // Whoever is not signed in need not be signed out.
      if (!(error instanceof Problem && error.status === 401)) throw error
    }
    this.me = null
    this.isOver = false
    this.#waiting = []
  }

  /** Whoever was signed in is so no more. Answers when somebody is again; nothing where nobody was, and nothing waits. */
  ended(): Promise<void> | null {
    if (!this.me) {
      this.me = null
      return null
    }
    this.isOver = true
    return new Promise((goOn) => { this.#waiting.push(goOn) })
  }

  #begin(me: Me): void {
    this.me = me
    this.isOver = false
    for (const goOn of this.#waiting.splice(0)) goOn()
  }
}

export const session = new Session()
