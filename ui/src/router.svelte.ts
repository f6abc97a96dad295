// Paths of the page. Links are plain links; a click on one stays in the page.

type Route = { path: string; query: URLSearchParams; hash: string }

function here(): Route {
  return { path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash }
}

let current: Route = $state.raw(here())

export function route(): Route {
  return current
}

/** Answers with a question as long as something would be lost. */
type Question = () => string | null
let question: Question = () => null

/** Has `asked` before this screen is left for another one, and the browser ask before it leaves the page. Answers how to end that. */
export function guard(asked: Question): () => void {
  question = asked
  const leaving = (event: BeforeUnloadEvent): void => { if (asked()) event.preventDefault() }
  addEventListener('beforeunload', leaving)
  return () => {
    removeEventListener('beforeunload', leaving)
    if (question === asked) question = () => null
  }
}

/** Whether the screen may be left for what is at `path`. */
function mayLeave(path: string): boolean {
  const asked = path === current.path ? null : question()
  return asked === null || confirm(asked)
}

/** Goes to another screen. */
export function go(target: string): void {
  if (target === location.pathname + location.search + location.hash) return
  if (!mayLeave(new URL(target, location.href).pathname)) return
  history.pushState(null, '', target)
  current = here()
  if (!location.hash) scrollTo(0, 0)
}

/** Changes the query in place: what is chosen on a screen is part of its address. */
export function replaceQuery(changes: Record<string, string | null>, hash = location.hash): void {
  const query = new URLSearchParams(location.search)
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === '') query.delete(key)
    else query.set(key, value)
  }
  const text = query.toString()
  history.replaceState(null, '', location.pathname + (text ? `?${text}` : '') + hash)
  current = here()
}

/** The parts of a path that match `pattern`, such as `/p/:project`; nothing when it does not match. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split('/')
  const have = path.replace(/\/$/, '').split('/')
  if (path === '/') return pattern === '/' ? {} : null
  if (want.length !== have.length) return null
  const found: Record<string, string> = {}
  for (const [index, word] of want.entries()) {
    const text = have[index] ?? ''
    if (word.startsWith(':')) {
      try {
        found[word.slice(1)] = decodeURIComponent(text)
      } catch {
        return null
      }
    } else if (word !== text) return null
  }
  return found
}

/** Keeps clicks on links of the page in the page, and follows the browser's own buttons. */
export function listen(): void {
  addEventListener('popstate', () => {
    if (mayLeave(location.pathname)) current = here()
    // The browser is there already: the way back to where it was.
    else history.pushState(null, '', current.path + (current.query.size > 0 ? `?${current.query}` : '') + current.hash)
  })
  addEventListener('hashchange', () => { current = here() })
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = (event.target as Element).closest?.('a[href]')
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download')) return
    if (link.origin !== location.origin || link.pathname.startsWith('/api/')) return
    event.preventDefault()
    go(link.pathname + link.search + link.hash)
  })
}
