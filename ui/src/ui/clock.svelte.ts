// The time of the page: one timer for everything that shows how long ago or for how long.

class Clock {
  now = $state(Date.now())

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now()
    }, 1_000)
  }
}

export const clock = new Clock()
