// The time of the page: one timer for everything that shows how long ago or for how long. Times come from the server, so
// where the clock of this machine is wrong the server's is meant.
import { onAnswer } from '../api/client'

/** An answer tells whole seconds and takes its time on the way: so many ms of difference are none. */
const TOLERATED = 2_000

class Clock {
  /** How far the server is ahead, in ms. */
  #ahead = 0
  now = $state(Date.now())

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now() + this.#ahead
    }, 1_000)
    onAnswer((answer) => this.#hear(Date.parse(answer.headers.get('date') ?? '')))
  }

  #hear(time: number): void {
    const ahead = time - Date.now()
    // Also where the answer tells none.
    if (!(Math.abs(ahead - this.#ahead) > TOLERATED)) return
    this.#ahead = Math.abs(ahead) > TOLERATED ? ahead : 0
    this.now = Date.now() + this.#ahead
  }
}

export const clock = new Clock()
