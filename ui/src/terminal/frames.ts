// The beat of a screen: something that is done before each time it is drawn.

/** Calls `tick` before each drawing, with the seconds since the one before. Answers how to end it. */
export function everyFrame(tick: (seconds: number) => void): () => void {
  let before = performance.now()
  let frame = requestAnimationFrame(function next(now) {
    // Asked for first: whoever ends it within `tick` ends this one, too.
    frame = requestAnimationFrame(next)
    // The first drawing may have begun before it was asked for.
    const seconds = Math.max(0, now - before) / 1000
    before = now
    tick(seconds)
  })
  return () => cancelAnimationFrame(frame)
}
