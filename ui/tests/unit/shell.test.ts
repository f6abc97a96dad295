// A shell over a WebSocket that is played: what is sent and shown, and how it ends.
import { beforeEach, expect, test, vi } from 'vitest'

class Socket {
  static readonly OPEN = 1
  static last: Socket
  readyState = 0
  binaryType = ''
  sent: (string | Uint8Array)[] = []
  onopen: () => void = () => {}
  onmessage: (message: { data: unknown }) => void = () => {}
  onclose: (event: { code: number }) => void = () => {}
  constructor(readonly url: string) { Socket.last = this }
  send(data: string | Uint8Array): void { this.sent.push(data) }
  close(): void { this.leave(1005) }
  open(): void { this.readyState = Socket.OPEN; this.onopen() }
  say(message: unknown): void { this.onmessage({ data: JSON.stringify(message) }) }
  leave(code: number): void { this.readyState = 3; this.onclose({ code }) }
}

vi.stubGlobal('WebSocket', Socket)
vi.stubGlobal('location', { protocol: 'https:', host: 'page' })
const { Shell } = await import('../../src/terminal/shell.svelte')

let shown = ''
beforeEach(() => { shown = '' })
const open = () => {
  const shell = new Shell('web 1', 80, 24, (bytes) => { shown += new TextDecoder().decode(bytes) })
  return { shell, socket: Socket.last }
}
const answers = (status: number, body: object) => vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status }))

test('bytes go both ways, and sizes beside them', () => {
  const { shell, socket } = open()
  expect(socket.url).toBe('wss://page/api/v1/servers/web%201/shell?columns=80&rows=24')
  // Nothing is sent before it is open.
  shell.type('early')
  shell.resize(1, 1)
  socket.open()
  shell.type('é')
  shell.resize(100, 30)
  expect(socket.sent).toEqual([Uint8Array.of(0xc3, 0xa9), '{"resize":[100,30]}'])
  socket.onmessage({ data: new TextEncoder().encode('hello').buffer })
  expect(shown).toBe('hello')
})

test('what is pasted goes in pieces that the server takes, and none is lost', () => {
  const { shell, socket } = open()
  socket.open()
  const text = '界x'.repeat(50_000)
  shell.type(text)
  const pieces = socket.sent as Uint8Array[]
  expect(Math.max(...pieces.map((one) => one.length))).toBeLessThanOrEqual(64 * 1024)
  expect(new TextDecoder().decode(Uint8Array.from(pieces.flatMap((one) => [...one])))).toBe(text)
})

test('how it ended is told once, by whoever says it first', async () => {
  for (const [say, code, ending] of [
    [{ exit: 7 }, 1000, { exit: 7 }], [{ exit: null }, 1000, { exit: null }],
    [{ error: { code: 'timeout', message: 'nothing was typed', hint: null } }, 4408, { error: { message: 'nothing was typed', hint: undefined } }],
    [null, 4401, { closed: 'signed_out' }], [null, 1001, { closed: 'restarting' }], [null, 1006, { closed: 'lost' }],
  ] as const) {
    const { shell, socket } = open()
    socket.open()
    if (say) socket.say(say)
    socket.leave(code)
    await expect.poll(() => shell.ending).toEqual(ending)
    expect(shell.isOpen).toBe(false)
  }
  const { shell, socket } = open()
  socket.open()
  shell.end()
  expect(shell.ending).toEqual({ closed: 'left' })
})

test('one that was never open says what the server answered, or that no WebSocket gets through', async () => {
  for (const [status, body, ending] of [
    [404, { code: 'not_found', detail: 'there is no server web 1', hint: 'aweigh servers list' }, { error: { message: 'there is no server web 1', hint: 'aweigh servers list' } }],
    [426, { code: 'not_upgraded', detail: 'a WebSocket is expected here' }, { closed: 'blocked' }],
  ] as const) {
    answers(status, body)
    const { shell, socket } = open()
    socket.leave(1006)
    await expect.poll(() => shell.ending).toEqual(ending)
  }
  vi.stubGlobal('fetch', async () => { throw new TypeError('no network') })
  const { shell, socket } = open()
  socket.leave(1006)
  await expect.poll(() => shell.ending).toEqual({ closed: 'lost' })
})
