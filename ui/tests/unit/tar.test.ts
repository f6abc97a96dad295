// The archive that the page makes, as tar itself reads it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chosen, tar } from '../../src/fleet/tar'

let folder = ''
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'aweigh-tar-')) })
afterEach(() => { rmSync(folder, { recursive: true, force: true }) })

async function unpacked(blob: Blob): Promise<string> {
  const file = join(folder, 'it.tar')
  writeFileSync(file, Buffer.from(await blob.arrayBuffer()))
  const into = join(folder, 'into')
  mkdirSync(into)
  execFileSync('tar', ['-xpf', file, '-C', into])
  return into
}

const one = (path: string, text: string, changed = 1_700_000_000_000) => ({ path, bytes: new Blob([text]), changed })

test('a file has its bytes, its time and a mode that everybody may read', async () => {
  const into = await unpacked(tar([one('page.html', 'x'.repeat(1_000))]))
  const found = statSync(join(into, 'page.html'))
  expect(readFileSync(join(into, 'page.html'), 'utf8')).toBe('x'.repeat(1_000))
  expect([found.mode & 0o777, found.mtimeMs]).toEqual([0o644, 1_700_000_000_000])
})

test('a folder has everything that is in it, whatever it is called', async () => {
  const long = `${'d'.repeat(90)}/${'e'.repeat(90)}`
  const files = [one('site/a', ''), one('site/b/界 ☃.txt', 'b'), one(`site/${long}/f`, 'deep'), one('site/x\n"y"', 'odd'), ...[511, 512, 513].map((size) => one(`site/size-${size}`, 's'.repeat(size)))]
  const into = await unpacked(tar(files))
  for (const { path, bytes } of files) expect(readFileSync(join(into, path), 'utf8'), path).toBe(await bytes.text())
  expect(statSync(join(into, 'site/b')).mode & 0o777).toBe(0o755)
})

test('the length of a record counts itself', async () => {
  // Around the lengths at which it gets a digit more.
  for (let length = 80; length <= 100; length++) {
    const path = `é${'n'.repeat(length)}`
    const into = await unpacked(tar([one(path, 'x')]))
    expect(readFileSync(join(into, path), 'utf8')).toBe('x')
    rmSync(into, { recursive: true })
  }
})

test('of a chosen folder the paths in it are taken', () => {
  const file = Object.assign(new File(['x'], 'a.txt', { lastModified: 5 }), { webkitRelativePath: 'site/a.txt' })
  expect(chosen([file])).toEqual([{ path: 'site/a.txt', bytes: file, changed: 5 }])
  expect(chosen([new File(['x'], 'b.txt', { lastModified: 6 })])[0]).toMatchObject({ path: 'b.txt', changed: 6 })
})
