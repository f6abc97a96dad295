// Answers that come line by line, however the network cuts them.
import { expect, test } from 'vitest'
import { Offline, Unreadable } from '../../src/api/client'
import { linesOf } from '../../src/api/lines'

function answer(...pieces: Uint8Array[]): Response {
  return new Response(new ReadableStream({
    start(stream) {
      for (const piece of pieces) stream.enqueue(piece)
      stream.close()
    },
  }))
}

async function all(response: Response): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const one of linesOf(response)) found.push(one)
  return found
}

test('wherever it is cut, the same lines come out, and a last one without its end is one, too', async () => {
  const bytes = new TextEncoder().encode('{"a":"界"}\n\n{"b":1}\n[2]')
  const expected = [{ a: '界' }, { b: 1 }, [2]]
  for (let at = 0; at <= bytes.length; at++) expect(await all(answer(bytes.slice(0, at), bytes.slice(at)))).toEqual(expected)
  expect(await all(answer(...Array.from(bytes, (byte) => Uint8Array.of(byte))))).toEqual(expected)
  expect(await all(answer())).toEqual([])
})

test('an answer that breaks off is told as a lost connection, after the lines that came', async () => {
  let gave = false
  const broken = new Response(new ReadableStream({
    pull(stream) {
      if (gave) stream.error(new TypeError('network error'))
      else stream.enqueue(new TextEncoder().encode('1\n2\n'))
      gave = true
    },
  }))
  const found: unknown[] = []
  await expect(async () => { for await (const one of linesOf(broken)) found.push(one) }).rejects.toThrow(Offline)
  expect(found).toEqual([1, 2])
})

test('whoever stops reading ends what is on its way', async () => {
  let ended = false
  const endless = new Response(new ReadableStream({
    pull(stream) { stream.enqueue(new TextEncoder().encode('1\n')) },
    cancel() { ended = true },
  }))
  for await (const _ of linesOf(endless)) break
  await expect.poll(() => ended).toBe(true)
})

test('a line that is no JSON is told as such, after those before it', async () => {
  const found: unknown[] = []
  await expect(async () => { for await (const one of linesOf(answer(new TextEncoder().encode('1\n<html>\n2\n')))) found.push(one) }).rejects.toThrow(Unreadable)
  expect(found).toEqual([1])
  // So is a last line that was cut off.
  await expect(all(answer(new TextEncoder().encode('{"do')))).rejects.toThrow(Unreadable)
})
