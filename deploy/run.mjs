// `make run`: starts the broker, the edge and the example app in a state folder, tells where to
// look, and stops all of them on Ctrl-C, SIGTERM, or when one of them ends.
//
//   node deploy/run.mjs BUILD [STATE_FOLDER]      PORT=8080 chooses another first port to try
import path from 'node:path'
import { createInterface } from 'node:readline'

import { Stack } from './stack.mjs'

const build = process.argv[2] ?? 'build'
const stack = new Stack({
  build,
  folder: process.argv[3] ?? path.join(build, 'run'),
  onLine: (line) => console.log(line),
  onEnd: (name, how) => {
    console.error(`\n${name} ended (${how}); stopping the others.`)
    void stop(1)
  },
})

async function stop(status) {
  await stack.stop()
  process.exit(status)
}

function showAddress(address, curl) {
  console.log(`
  Tako Channels runs: ${address}

  Open it in two tabs and type: each sees the other at once. Cut the connection in one tab ("Live",
  at the top), go on in the other, reconnect: what was missed arrives, in order, exactly once, and
  nobody saw you leave. Be someone else in one tab (your name, at the top) and remove the other.

  Publish from another terminal:

    ${curl}

  Type e and Enter to replace the edge under its clients, b to restart the broker: nobody notices.
  Ctrl-C stops everything.
`)
}

const commands = {
  e: async () => {
    await stack.takeOver()
    console.log('A new edge process serves the clients of the old one.')
  },
  b: async () => {
    await stack.restartBroker()
    console.log('The broker was restarted on its log.')
  },
}

async function listenToCommands() {
  for await (const line of createInterface({ input: process.stdin })) {
    // One after the other: each waits for the one before.
    await commands[line.trim()]?.().catch((failure) => console.error(failure.message))
  }
}

async function run() {
  await stack.start(Number(process.env.PORT ?? 8080))
  const { curl } = await (await fetch(`${stack.address}/api/settings`)).json()
  showAddress(stack.address, curl)
  await listenToCommands()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0))
run().catch((failure) => {
  console.error(`make run: ${failure.message}`)
  void stop(1)
})
