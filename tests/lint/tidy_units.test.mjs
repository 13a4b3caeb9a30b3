// A finding in a joined unit is told at the file and the line where it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { inItsFile, joined } from './tidy_units.mjs'

const files = ['edge/a.cc', 'edge/b.cc']
const { text, starts } = joined(['// A.\nint a;\n', '// B.\nint b;\nint c;\n'])
const told = (output) => inItsFile(output, 'build/lint/edge_0.cc', files, starts)

test('the texts stand one after the other', () => assert.equal(text.split('\n')[3], 'int b;'))
test('a place in the first file', () =>
  assert.equal(told('/tree/build/lint/edge_0.cc:2:5: error'), 'edge/a.cc:2:5: error'))
test('the first and the last line of the second file', () =>
  assert.equal(told('build/lint/edge_0.cc:3:1: x\nbuild/lint/edge_0.cc:5:1: y'), 'edge/b.cc:1:1: x\nedge/b.cc:3:1: y'))
test('a place in a header stays', () => assert.equal(told('edge/a.h:3:1: x'), 'edge/a.h:3:1: x'))
