// Plants one violation of each rule and sees it found; plants what is allowed and sees silence.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { arrowFaults } from './arrows.mjs'
import { hygieneFaults } from './hygiene.mjs'

const planted = [
  ['edge includes the broker', 'edge/broker_link.cc', '#include "broker/edge_link.h"'],
  ['the broker includes the edge', 'broker/edge_link.cc', '#include "edge/broker_link.h"'],
  ['common includes a process', 'common/clock.cc', '#include "edge/main.h"'],
  ['common includes generated code', 'common/position.h', '#include "proto/record.pb.h"'],
  ['a common root file includes a subfolder', 'common/clock.h', '#include "common/uv/loop.h"'],
  ['the fan-out knows sessions', 'edge/fanout/feed.cc', '#include "edge/session/session.h"'],
  ['a session knows adapters', 'edge/session/session.cc', '#include "edge/adapters/adapter.h"'],
  ['an adapter knows the server', 'edge/adapters/native.cc', '#include "edge/server/router.h"'],
  ['an adapter knows uv', 'edge/adapters/native.cc', '#include "common/uv/loop.h"'],
  ['the log knows channels', 'broker/log/memory_log.cc', '#include "broker/channel/channel.h"'],
  ['a channel knows the API', 'broker/channel/channel.cc', '#include "broker/api/publish.h"'],
  ['a module test reaches up', 'broker/log/memory_log_test.cc', '#include "broker/api/publish.h"'],
  ['the product includes test code', 'edge/session/a.cc', '#include "edge/session/testing/b.h"'],
  ['a fixture reaches up', 'edge/fanout/testing/a.h', '#include "edge/server/router.h"'],
  ['uv.h outside common/uv', 'edge/server/server.cc', '#include <uv.h>'],
  ['nng outside common/ipc', 'broker/edge_link.cc', '#include <nng/nng.h>'],
  ['a heavy header in a header', 'common/config/log.h', '#include <spdlog/spdlog.h>'],
  ['a call of libuv', 'edge/server/server.cc', '  const int status = uv_run(&loop, mode);'],
  ['a call of libuv, qualified', 'edge/server/server.cc', '::uv_run(&loop, mode);'],
  ['a call of nng', 'broker/edge_link.cc', 'nng_aio_free(aio);'],
  ['a folder that nobody knows', 'edge/new/file.cc', '#include "common/clock.h"'],
]
for (const [what, file, text] of planted) {
  test(`finds: ${what}`, () => assert.equal(arrowFaults(file, `// One job.\n${text}\n`).length, 1))
}

const allowed = [
  ['edge/server/server.cc', '#include "edge/adapters/adapters.h"'],
  ['edge/session/session_test.cc', '#include "tests/support/fake_clock.h"'],
  ['edge/session/a_test.cc', '#include "edge/fanout/testing/fake_broker.h"'],
  ['edge/fanout/testing/a.h', '#include <doctest/doctest.h>'],
  ['common/uv/loop.cc', '#include <uv.h>\n  uv_run(loop, UV_RUN_DEFAULT);'],
  ['common/config/log.cc', '#include <spdlog/spdlog.h>'],
  ['edge/session/session.cc', '// uv_close(handle) is asynchronous.\nlog("uv_close(handle)");'],
  ['edge/session/session.cc', 'tako::uv_like(1); object.uv_close(2); my_uv_close(3);'],
]
for (const [file, text] of allowed) {
  test(`allows: ${text.split('\n')[0]} in ${file}`, () =>
    assert.deepEqual(arrowFaults(file, `// One job.\n${text}\n`), []))
}

// Put together here, so that this file is no fault itself.
const plantedTexts = [
  ['a path of one machine', 'docs/a.md', `see ${['', 'work', 'main'].join('/')}/x`],
  ['a home folder', 'docs/a.md', `see ${['', 'home', 'ann'].join('/')}/x`],
  ['a build folder of one person', 'a.sh', `# ${['', 'tmp', 'b-x'].join('/')}`],
  ['a file that does not say its job', 'common/a.cc', '#include <string>\n'],
  ['a Windows line end', 'common/a.cc', '// One job.\r\n'],
  ['trailing space', 'deploy/a.sh', '#!/bin/sh\ntrue \n'],
]
for (const [what, file, text] of plantedTexts) {
  test(`finds: ${what}`, () => assert.equal(hygieneFaults(file, text).length, 1))
}
test('allows a clean file', () =>
  assert.deepEqual(hygieneFaults('common/a.cc', '// One job.\nint a();\n'), []))
