// A patch as git writes it, cut into files, hunks and lines to draw. Text never becomes markup, and what is hidden in it is shown.

export type DiffLine = { sign: '+' | '-' | ' '; text: string; before: number | null; after: number | null; isOpen?: boolean }
export type Hunk = { head: string; lines: DiffLine[] }
export type FilePatch = { path: string; hunks: Hunk[]; isBinary: boolean }

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/

/** The files of a patch, by their paths: for a deleted one the path that it had. */
export function files(patch: string): Map<string, FilePatch> {
  const found = new Map<string, FilePatch>()
  for (const section of patch.split(/^(?=diff --git )/m)) {
    if (!section.startsWith('diff --git ')) continue
    const one = file(section.split('\n'))
    const known = one && found.get(one.path)
    // A file that is of another kind now goes and comes: two sections, one path.
    if (known) known.hunks.push(...one.hunks)
    else if (one) found.set(one.path, one)
  }
  return found
}

function file([head = '', ...lines]: string[]): FilePatch | null {
  let path = symmetric(head.slice('diff --git '.length))
  let isBinary = false
  let at = 0
  for (; at < lines.length && !lines[at]?.startsWith('@@ '); at++) {
    const line = lines[at] ?? ''
    const [, mark, name = ''] = /^(--- |\+\+\+ |rename to )(.*)$/.exec(line) ?? []
    if (/^(Binary files|GIT binary patch)/.test(line)) isBinary = true
    if (mark === 'rename to ') path = unquoted(name)
    else if (mark && unquoted(name) !== '/dev/null') path = unquoted(name).slice(2)
  }
  if (path === null) return null
  return { path, hunks: hunks(lines.slice(at)), isBinary }
}

function hunks(lines: string[]): Hunk[] {
  const found: Hunk[] = []
  let hunk: Hunk | null = null
  let [before, after, left, right] = [0, 0, 0, 0]
  for (const line of lines) {
    const head = left <= 0 && right <= 0 ? HUNK.exec(line) : null
    if (head) {
      hunk = { head: (head[5] ?? '').trim(), lines: [] }
      found.push(hunk)
      ;[before, left, after, right] = [Number(head[1]), Number(head[2] ?? 1), Number(head[3]), Number(head[4] ?? 1)]
      continue
    }
    if (!hunk) continue
    const text = line.slice(1)
    if (line.startsWith('\\')) {
      // The line before has no end.
      const last = hunk.lines.at(-1)
      if (last) last.isOpen = true
    } else if (line.startsWith('+') && right > 0) {
      hunk.lines.push({ sign: '+', text, before: null, after: after++ })
      right -= 1
    } else if (line.startsWith('-') && left > 0) {
      hunk.lines.push({ sign: '-', text, before: before++, after: null })
      left -= 1
    } else if (left > 0 && right > 0) {
      hunk.lines.push({ sign: ' ', text, before: before++, after: after++ })
      left -= 1
      right -= 1
    }
  }
  return found
}

/** The path in `a/PATH b/PATH`; null where the two are not the same. */
function symmetric(both: string): string | null {
  const half = (both.length - 1) / 2
  const [one, other] = [both.slice(0, half), both.slice(half + 1)]
  if (!Number.isInteger(half) || both[half] !== ' ') return null
  const [a, b] = [unquoted(one), unquoted(other)]
  return a.startsWith('a/') && b.startsWith('b/') && a.slice(2) === b.slice(2) ? a.slice(2) : null
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 }

/** A path as it is; git puts an odd one in quotes, its bytes as octal numbers. */
export function unquoted(path: string): string {
  // Behind a name with a space git writes a tab.
  const name = path.replace(/\t$/, '')
  if (!/^".*"$/.test(name)) return name
  const bytes: number[] = []
  for (const [whole, octal, letter] of name.slice(1, -1).matchAll(/\\([0-3][0-7]{2})|\\(.)|[^\\]/gu)) {
    if (octal) bytes.push(Number.parseInt(octal, 8))
    else if (letter) bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0))
    else bytes.push(...new TextEncoder().encode(whole))
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

/** So many characters of a line are drawn. */
const LONGEST = 2_000

/** A line with everything in it to be seen: control characters by their signs, and what turns the direction of text by its number. */
export function visible(line: string): string {
  const cut = line.length > LONGEST ? `${line.slice(0, LONGEST)} … +${line.length - LONGEST}` : line
  return cut
    .replace(/[\x00-\x08\x0a-\x1f]/g, (one) => String.fromCharCode(0x2400 + one.charCodeAt(0)))
    .replace(/[\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (one) => `⟨U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`)
}
