// Keys of a screen. They are off where somebody writes, and beside Ctrl, Alt and Meta.

type Keys = Record<string, () => void>

/** Calls the function of a pressed key; `g b` means one after the other. Answers how to end it. */
export function keys(all: Keys): () => void {
  let before = ''
  let at = 0
  const pressed = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return
    if (/^(input|textarea|select)$/i.test(target.tagName) || target.isContentEditable || document.querySelector('dialog[open]')) return
    const two = event.timeStamp - at < 1_000 ? all[`${before} ${event.key}`] : undefined
    ;[before, at] = [event.key, event.timeStamp]
    const act = two ?? all[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}
