// A tar file of what somebody chose in the browser (POSIX.1-2001, pax): one file, or one folder with all that is in it.
// It is made of pieces of the files themselves, so that nothing of them is read before it is sent.

const BLOCK = 512
/** What a header can say without a pax record: a name of ASCII letters that is short, and a size of eleven octal digits. */
const SHORT = /^[\x20-\x7e]{1,100}$/
const LARGEST = 0o77777777777

/** A chosen file: its path in the archive, its bytes, when it was changed (milliseconds). */
export type Chosen = { path: string; bytes: Blob; changed: number }

/** The files of an input: of a folder with their paths in it. */
export function chosen(list: Iterable<File>): Chosen[] {
  return Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, bytes: file, changed: file.lastModified }))
}

/** The archive. A browser knows no modes: files get 0644, folders 0755. */
export function tar(files: Chosen[]): Blob {
  const parts: BlobPart[] = []
  const folders = new Set<string>()
  for (const { path, bytes, changed } of files) {
    const above = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= above.length; depth++) {
      const folder = `${above.slice(0, depth).join('/')}/`
      if (folders.has(folder)) continue
      folders.add(folder)
      parts.push(...head(folder, 0, changed, '5'))
    }
    parts.push(...head(path, bytes.size, changed, '0'), bytes, padding(bytes.size))
  }
  // Two blocks of nothing are the end.
  parts.push(new Uint8Array(2 * BLOCK))
  return new Blob(parts, { type: 'application/x-tar' })
}

function head(path: string, size: number, changed: number, kind: '0' | '5'): BlobPart[] {
  const seconds = Math.max(0, Math.floor(changed / 1000))
  if (SHORT.test(path) && size <= LARGEST) return [block(path, size, seconds, kind)]
  const records = [record('path', path), ...(size > LARGEST ? [record('size', String(size))] : [])]
  const text = new Uint8Array(records.flatMap((one) => [...one]))
  return [block('pax', text.length, seconds, 'x'), text, padding(text.length), block('long', size > LARGEST ? 0 : size, seconds, kind)]
}

/** A pax record: its whole length, which counts itself, key and value. */
function record(key: string, value: string): Uint8Array {
  const rest = new TextEncoder().encode(` ${key}=${value}\n`)
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return new Uint8Array([...new TextEncoder().encode(String(length)), ...rest])
}

function block(name: string, size: number, seconds: number, kind: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BLOCK)
  const write = (text: string, at: number): void => { bytes.set(new TextEncoder().encode(text), at) }
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  write(name, 0)
  write(octal(kind === '5' ? 0o755 : 0o644, 7), 100)
  write(octal(0, 7), 108)
  write(octal(0, 7), 116)
  write(octal(size, 11), 124)
  write(octal(Math.min(seconds, LARGEST), 11), 136)
  write(' '.repeat(8), 148)
  write(kind, 156)
  write('ustar\x0000', 257)
  const sum = bytes.reduce((all, byte) => all + byte, 0)
  write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}

const padding = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
