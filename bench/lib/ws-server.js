// What most people would write with the package `ws`, behind the requests that `bench viewers` makes: a message that is
// posted goes to every client. Nothing is kept, nobody is asked who they are. Prints its port.
const http = require('node:http')
const { WebSocketServer, WebSocket } = require('ws')

let number = 0
const server = http.createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', () => {
    number += 1
    const fact = { seq: number, kind: 'chat', data: { user: 'admin', text: JSON.parse(body).text } }
    const message = JSON.stringify({ topic: 'project:app', events: [fact], seq: number })
    for (const client of viewers.clients) if (client.readyState === WebSocket.OPEN) client.send(message)
    response.writeHead(201, { 'Content-Type': 'application/json' }).end(JSON.stringify(fact))
  })
})
const viewers = new WebSocketServer({ server, perMessageDeflate: false })
viewers.on('connection', (client) => {
  client.on('message', () => client.send(JSON.stringify({ topic: 'project:app', events: [], seq: number })))
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(server.address().port))
