// Plants bounds without tests, and tests without bounds, and sees them named.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limitTestFaults, uncountedConstants, undrivenLimits } from './limit_tests.mjs'

const driven = 'TEST_CASE("one_max and two_ms") {\n  edge_hits(tako, "one_max");\n  broker_hits(tako, "two_ms")\n}'

test('a bound that a test is named after and reads is driven', () => {
  assert.deepEqual(undrivenLimits(['one_max', 'two_ms'], [driven]), [])
})

test('a bound without a test, or whose test reads no counter, is told', () => {
  assert.equal(undrivenLimits(['one_max', 'two_ms', 'three_max'], [driven]).length, 2)
  assert.deepEqual(undrivenLimits(['four_max'], ['TEST_CASE("four_max") {\n}']), [
    'no limits test reads the counter of `four_max`',
  ])
})

test('a test that does not name the process that counts reads no counter', () => {
  assert.deepEqual(undrivenLimits(['one_max'], ['TEST_CASE("one_max") {\n  hits(tako, "one_max");\n}']), [
    'no limits test reads the counter of `one_max`',
  ])
})

test('a test of no bound is told', () => {
  assert.deepEqual(undrivenLimits(['one_max'], [driven]), ['`two_ms` has a test and is no limit'])
})

const limitsText = `constexpr std::size_t kKiB = 1024;
constexpr std::size_t kOneMax = 1;
// No bounds: sizes.
constexpr int kBuffer = 2;`
const documentText = '# Limits\n## Constants that are no bounds\n- `kBuffer` (2): a size'

test('a constant has a counter, or stands among those that are no bounds, and in their list', () => {
  assert.deepEqual(uncountedConstants(limitsText, ['kOneMax'], documentText), [])
  assert.equal(uncountedConstants(limitsText, [], documentText).length, 1)
  assert.equal(uncountedConstants(limitsText, ['kOneMax', 'kBuffer'], documentText).length, 1)
  assert.equal(uncountedConstants(limitsText, ['kOneMax'], '# Limits').length, 1)
  assert.equal(uncountedConstants(limitsText.replace('kBuffer', 'kOther'), ['kOneMax'], documentText).length, 2)
})

test('the tree has no such fault', () => assert.deepEqual(limitTestFaults(), []))
