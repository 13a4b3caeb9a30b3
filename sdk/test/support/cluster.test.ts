// The support itself: the real programs start, take a message, are replaced, and end.
import { afterAll, beforeAll, expect, test } from 'vitest'

import { Cluster } from './cluster.js'

let cluster: Cluster
beforeAll(async () => {
  cluster = await Cluster.start()
})
afterAll(() => cluster.stop())

test('a message published before a takeover is there behind it', async () => {
  await cluster.define([{ name: 'feed', auth: false }])
  const { id } = await cluster.publish('feed', 'n', { a: 1 })
  await cluster.takeOver()
  const answer = await fetch(`${cluster.url}/_tako/channels/feed/messages`)
  expect(await answer.json()).toMatchObject({ messages: [{ id, type: 'n', data: { a: 1 } }] })
})
