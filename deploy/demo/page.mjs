// The page: signs in with a name, joins everything, shows the state of the connection.
import { Chat } from './chat.mjs'
import { Connection } from './connection.mjs'
import { Journal } from './journal.mjs'
import { Ticker } from './ticker.mjs'

const byId = (id) => document.getElementById(id)
const journal = new Journal(byId('journal'))
const facts = { resumes: 0, replayed: new Map(), gaps: 0 }
const catchUpLines = new Map() // room -> changes the words of its line in the journal
let session
let wasLive = false

async function getJson(path, body) {
  const options = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  const response = await fetch(path, options)
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.json()
}

// Survives a reload of this tab, differs in the next one: two tabs are two people.
function ownName() {
  const stored = sessionStorage.getItem('name')
  const name = stored ?? `guest-${Math.floor(Math.random() * 900 + 100)}`
  sessionStorage.setItem('name', name)
  return name
}

async function signIn(name) {
  session = await getJson('/session', { name })
  sessionStorage.setItem('name', session.name)
  byId('name').value = session.name
}

const stateTexts = {
  connecting: () => 'Connecting…',
  live: () => 'Live',
  waiting: ({ delay }) => `Lost. Next try in ${(delay / 1000).toFixed(1)} s`,
  cut: () => 'Cut by you',
}

function showState(state, detail = {}) {
  const pill = byId('state')
  if (state === 'live' && wasLive && pill.dataset.state !== 'live') facts.resumes += 1
  wasLive ||= state === 'live'
  const text = stateTexts[state](detail)
  if (pill.textContent === text) return
  pill.textContent = text
  pill.dataset.state = state
  byId('cut').disabled = state === 'cut'
  byId('reconnect').disabled = state === 'live' || state === 'connecting'
  const why = detail.code ? ` (close ${detail.code}${detail.reason && `, ${detail.reason}`})` : ''
  journal.add(text + why, state)
}

function showFacts(chat) {
  const replayed = [...facts.replayed.values()].reduce((sum, count) => sum + count, 0)
  byId('cursor').textContent = chat.cursor
  byId('resumes').textContent = facts.resumes
  byId('replayed').textContent = replayed
  byId('gaps').textContent = facts.gaps
}

function showClaps(claps) {
  const count = byId('claps')
  if (claps <= Number(count.textContent)) return // The reply and the message race; both only rise.
  count.textContent = claps
  count.animate([{ transform: 'scale(1.25)' }, { transform: 'none' }], 250)
}

const chatEvents = {
  resumed(room, missed) {
    facts.replayed.set(room, missed)
    if (missed === 0) return catchUpLines.delete(room)
    const text = `${room}: caught up, ${missed} missed`
    if (catchUpLines.has(room)) catchUpLines.get(room)(text)
    else catchUpLines.set(room, journal.add(text, 'live'))
  },
  gap(room, { reason }) {
    facts.gaps += 1
    journal.add(`${room}: gap, ${reason}`, 'gap')
  },
  refused: (room, { code, message }) => journal.add(`${room}: ${code}, ${message}`, 'gap'),
  message: () => {},
}

async function start() {
  await signIn(ownName())
  const [{ rooms, curl }, { claps }] = await Promise.all([getJson('/settings'), getJson('/claps')])
  byId('curl').textContent = curl
  showClaps(claps)

  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/_tako/channels`
  const connection = new Connection(url, { getToken: () => session.token, onState: showState })
  const chat = new Chat(byId('chat'), connection, rooms, (kind, room, detail) => {
    chatEvents[kind](room, detail)
    showFacts(chat)
  })
  connection.subscribe('counter', {}, { onMessage: ({ data }) => showClaps(data.claps) })
  const ticker = new Ticker(byId('ticker'), (text) => journal.add(text, 'gap'))
  setInterval(() => showFacts(chat), 500)

  const connectAll = () => [connection, ticker].forEach((each) => each.connect())
  const cutAll = () => [connection, ticker].forEach((each) => each.cut())
  byId('cut').addEventListener('click', cutAll)
  byId('reconnect').addEventListener('click', connectAll)
  byId('clap').addEventListener('click', async () => showClaps((await getJson('/claps', {})).claps))
  byId('name').addEventListener('change', async (event) => {
    await signIn(event.target.value)
    cutAll() // The new name is asked for at the next subscribe.
    connectAll()
  })
  connectAll()
}

start().catch((failure) => journal.add(`Cannot start: ${failure.message}`, 'gap'))
