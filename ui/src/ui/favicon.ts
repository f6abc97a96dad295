// The icon of the tab follows the release.

const COLOURS: Record<string, string> = {
  running: '1668dc', succeeded: '17936a', failed: 'a3160f', partial: 'a3160f', rolled_back: '6b4fa0', interrupted: 'c77d00', paused: 'c77d00', queued: '7d8792',
}

/** Shows how a release stands; nothing puts Aweigh's own icon back. */
export function favicon(status: string | null): void {
  const colour = (status && COLOURS[status]) || '0f6f8f'
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#${colour}"/></svg>`
  document.querySelector('link[rel=icon]')?.setAttribute('href', `data:image/svg+xml,${encodeURIComponent(svg)}`)
}
