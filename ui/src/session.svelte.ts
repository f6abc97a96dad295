// Who is signed in.
import { Offline, Problem, get, send } from './api/client'
import type { Me } from './api/types'

class Session {
  /** Whoever is signed in; null when nobody is, undefined before it is known. */
  me: Me | null | undefined = $state(undefined)
  /** The server could not be asked. */
  unreachable = $state(false)

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
    this.me = await send<Me>('POST', '/session', { user, password })
  }

  async setUp(code: string, password: string): Promise<void> {
    this.me = await send<Me>('POST', '/setup', { code, password })
  }

  async signOut(): Promise<void> {
    try {
      await send('DELETE', '/session')
    } catch (error) {
      // Whoever is not signed in need not be signed out.
      if (!(error instanceof Problem && error.status === 401)) throw error
    }
    this.me = null
  }

  ended(): void {
    this.me = null
  }
}

export const session = new Session()
