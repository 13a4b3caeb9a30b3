// Plants bounds without tests, and tests without bounds, and sees them named.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limitTestFaults, undrivenLimits } from './limit_tests.mjs'

const driven = 'TEST_CASE("one_max and two_ms") {\n  hits(tako, "one_max");\n  limit=\\"two_ms\\"\n}'

test('a bound that a test is named after and reads is driven', () => {
  assert.deepEqual(undrivenLimits(['one_max', 'two_ms'], [driven]), [])
})

test('a bound without a test, or whose test reads no counter, is told', () => {
  assert.equal(undrivenLimits(['one_max', 'two_ms', 'three_max'], [driven]).length, 2)
  assert.deepEqual(undrivenLimits(['four_max'], ['TEST_CASE("four_max") {\n}']), [
    'no limits test reads the counter of `four_max`',
  ])
})

test('a test of no bound is told', () => {
  assert.deepEqual(undrivenLimits(['one_max'], [driven]), ['`two_ms` has a test and is no limit'])
})

test('the tree has no such fault', () => assert.deepEqual(limitTestFaults(), []))
