// A server that is played for the measurements: the built page as the real one serves it, and a WebSocket that the test
// speaks into. It runs in the test's process, so that nothing of it is charged to the page.
import { createReadStream, existsSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const DIST = 'dist'
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', html: 'text/html', svg: 'image/svg+xml' }

export type Played = {
  url: string
  /** Tells every page that listens. */
  tell: (batch: object) => void
  close: () => Promise<void>
}

/** Serves the page, `answers` by path under /api/v1, and the push. */
export async function serve(answers: Record<string, unknown>): Promise<Played> {
  const server = createServer((request, response) => answer(request, response, answers))
  const push = new WebSocketServer({ server, path: '/api/v1/push' })
  push.on('connection', (socket) => {
    socket.on('message', (message) => {
      const { subscribe } = JSON.parse(String(message))
      for (const topic of Object.keys(subscribe ?? {})) socket.send(JSON.stringify({ topic, stream: 's', events: [], seq: subscribe[topic].after }))
    })
    socket.send(JSON.stringify({ hello: { version: '0', stream: 's' } }))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tell: (batch) => {
      const text = JSON.stringify(batch)
      for (const socket of push.clients) socket.send(text)
    },
    close: () => new Promise((closed) => {
      for (const socket of push.clients) socket.terminate()
      server.closeAllConnections()
      server.close(() => closed())
    }),
  }
}

function answer(request: IncomingMessage, response: ServerResponse, answers: Record<string, unknown>): void {
  const path = new URL(request.url ?? '/', 'http://page').pathname
  const api = path.replace(/^\/api\/v1/, '')
  if (path.startsWith('/api/')) {
    const found = answers[api]
    const log = typeof found === 'string'
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': log ? 'text/plain' : 'application/json', 'aweigh-log-bytes': '0' })
    response.end(log ? found : JSON.stringify(found ?? {}))
    return
  }
  const asset = existsSync(`${DIST}${path}.gz`)
  const type = TYPES[asset ? path.split('.').at(-1) ?? '' : 'html'] ?? 'application/octet-stream'
  response.writeHead(200, asset ? { 'content-type': type, 'content-encoding': 'gzip' } : { 'content-type': type })
  createReadStream(asset ? `${DIST}${path}.gz` : `${DIST}/index.html`).pipe(response)
}
