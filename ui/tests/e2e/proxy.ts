// Proxies as they stand in front of real installations: one that knows no WebSocket, one that cuts what is held.
import { type Server, createServer, request } from 'node:http'
import { connect } from 'node:net'

export type Manners = { upgrade: boolean; hold: number }

export class Proxy {
  readonly manners: Manners
  #server: Server
  port = 0

  private constructor(to: number, manners: Manners) {
    this.manners = manners
    this.#server = createServer((asked, answer) => {
      // The browser's Host stays, as every guide for proxies says.
      const passed = request({ host: '127.0.0.1', port: to, method: asked.method, path: asked.url, headers: asked.headers }, (given) => {
        answer.writeHead(given.statusCode ?? 502, given.headers)
        given.pipe(answer)
      })
      const cut = setTimeout(() => asked.socket.destroy(), this.manners.hold)
      answer.on('close', () => { clearTimeout(cut); passed.destroy() })
      passed.on('error', () => { if (!answer.headersSent) answer.writeHead(502).end() })
      asked.pipe(passed)
    })
    this.#server.on('upgrade', (asked, socket, head) => {
      if (!this.manners.upgrade) {
        socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
        return
      }
      const there = connect(to, '127.0.0.1', () => {
        const headers = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}`).join('\r\n')
        there.write(`GET ${asked.url} HTTP/1.1\r\n${headers}\r\n\r\n`)
        there.write(head)
        there.pipe(socket).pipe(there)
      })
      there.on('error', () => socket.destroy())
      socket.on('error', () => there.destroy())
    })
  }

  static async start(to: number, manners: Manners): Promise<Proxy> {
    const proxy = new Proxy(to, manners)
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done))
    const address = proxy.#server.address()
    proxy.port = typeof address === 'object' && address ? address.port : 0
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
