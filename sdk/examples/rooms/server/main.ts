// The app behind the edge: serves the page, opens sessions, says who may join, publishes.
//
//   LISTEN                unix:PATH or a port of 127.0.0.1 (3000)
//   TAKO_APP_SOCKET       the broker's socket for apps
//   TAKO_APP_SECRET_FILE  what the edge calls back with
//   PAGE                  the folder of the built page, when it is another than beside this server's
//   SESSION_KEY           signs the sessions; SESSION_LIFETIME_MS (two minutes) is how long they last
import { rmSync } from 'node:fs'
import http from 'node:http'
import { fileURLToPath } from 'node:url'

import { createTako } from 'tako-channels'

import chat from '../channels/chat.js'
import notifications from '../channels/notifications.js'
import sales from '../channels/sales.js'
import { Api } from './api.js'
import { logEvent } from './events.js'
import { People } from './people.js'
import { publishShop } from './shop.js'

const { LISTEN = '3000', TAKO_APP_SOCKET, TAKO_APP_SECRET_FILE } = process.env
const { PAGE = fileURLToPath(new URL('../page', import.meta.url)) } = process.env

const tako = createTako({
  channels: [chat, notifications, sales],
  onEvent: logEvent,
  ...(TAKO_APP_SOCKET === undefined ? {} : { socketPath: TAKO_APP_SOCKET }),
  ...(TAKO_APP_SECRET_FILE === undefined ? {} : { secretFile: TAKO_APP_SECRET_FILE }),
})
const people = new People()
const api = new Api(tako, people, PAGE)
const server = http.createServer((request, response) => {
  // The edge's callbacks first; everything else is ours.
  void tako.node(request, response, () => void api.answer(request, response))
})

function listen(): void {
  const unixPath = /^unix:(.+)$/.exec(LISTEN)?.[1]
  server.on('error', (failure) => {
    console.error(`can't listen on ${LISTEN}: ${failure.message}`)
    process.exit(2)
  })
  if (unixPath !== undefined) rmSync(unixPath, { force: true }) // Left by a run that was killed.
  server.listen(unixPath === undefined ? { host: '127.0.0.1', port: Number(LISTEN) } : unixPath)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0))

await tako.start()
console.log('channels defined')
listen() // Only now: a page that opens at once finds its channels.
void publishShop(people)
