// Uploads: how far they are, what is answered meanwhile, and how they end.
import { beforeEach, expect, test, vi } from 'vitest'
import { Offline, Problem, Unreadable } from '../../src/api/client'
import { upload } from '../../src/api/upload'

/** A request that the test answers. */
class Asked {
  static last: Asked
  status = 200
  responseText = ''
  headers: Record<string, string> = {}
  isAborted = false
  body: unknown
  upload: { onprogress: (event: { loaded: number }) => void } = { onprogress: () => {} }
  onprogress: () => void = () => {}
  onload: () => void = () => {}
  onerror: () => void = () => {}
  onabort: () => void = () => {}
  constructor() { Asked.last = this }
  open(): void {}
  setRequestHeader(name: string, value: string): void { this.headers[name] = value }
  send(body: unknown): void { this.body = body }
  abort(): void { this.isAborted = true; this.onabort() }
  write(text: string): void { this.responseText += text; this.onprogress() }
}
vi.stubGlobal('XMLHttpRequest', Asked)

let told: unknown[] = []
beforeEach(() => { told = [] })
const begin = (signal = new AbortController().signal) => {
  const end = upload('/api/v1/put', new Blob(['abc']), signal, (one) => told.push(one))
  return { end, asked: Asked.last }
}

test('lines are told when they are whole, wherever the answer is cut', async () => {
  const { end, asked } = begin()
  asked.upload.onprogress({ loaded: 3 })
  asked.write('{"a":')
  expect(told).toEqual([{ sent: 3 }])
  asked.write('1}\n\n[2')
  expect(told).toEqual([{ sent: 3 }, { line: { a: 1 } }])
  asked.responseText += ']'
  asked.onload()
  await end
  expect(told).toEqual([{ sent: 3 }, { line: { a: 1 } }, { line: [2] }])
})

test('a line that is no JSON ends the upload, whether more comes or not', async () => {
  const early = begin()
  early.asked.write('{"a":1}\n<html>502</html>\n')
  await expect(early.end).rejects.toThrow(Unreadable)
  expect(early.asked.isAborted).toBe(true)
  expect(told).toEqual([{ line: { a: 1 } }])
  const late = begin()
  late.asked.responseText = '{"a":'
  late.asked.onload()
  await expect(late.end).rejects.toThrow(Unreadable)
})

test('what is refused, lost or stopped says so', async () => {
  const refused = begin()
  Object.assign(refused.asked, { status: 422, responseText: '{"code":"invalid","detail":"no such folder"}' })
  // The answer of a refusal is no line.
  refused.asked.onprogress()
  refused.asked.onload()
  await expect(refused.end).rejects.toThrow(new Problem({ status: 422, code: 'invalid', detail: 'no such folder' }))
  const lost = begin()
  lost.asked.onerror()
  await expect(lost.end).rejects.toThrow(Offline)
  const stop = new AbortController()
  const stopped = begin(stop.signal)
  stop.abort()
  await expect(stopped.end).rejects.toMatchObject({ name: 'AbortError' })
  expect(told).toEqual([])
})
