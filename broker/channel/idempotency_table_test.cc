// Keys and bodies by digest.
#include "broker/channel/idempotency_table.h"

#include <doctest/doctest.h>

namespace tako::broker {
namespace {

using Use = IdempotencyTable::Use;

TEST_CASE("a digest tells lists of pieces apart, whatever their sum") {
  CHECK(digest_of({"ab", "c"}) == digest_of({"ab", "c"}));
  CHECK(digest_of({"ab", "c"}) != digest_of({"a", "bc"}));
  CHECK(digest_of({"abc"}) != digest_of({"abc", ""}));
  CHECK(digest_of({}) != digest_of({""}));
}

TEST_CASE("a key goes from first to in flight to repeated") {
  IdempotencyTable table;
  const Digest key = digest_of({"k"});
  const Digest body = digest_of({"b"});
  CHECK(table.look(key, body).use == Use::First);
  table.begin(key, body, 10);
  CHECK(table.look(key, body).use == Use::InFlight);
  int told = 0;
  table.wait(key, [&](const Result<Position>& first) {
    CHECK(first->offset == 4);
    ++told;
  });
  table.done(key, Position{4, Epoch{1}});
  CHECK(told == 1);
  CHECK(table.look(key, body).use == Use::Repeated);
  CHECK(table.look(key, body).position.offset == 4);
  CHECK(table.look(key, digest_of({"other"})).use == Use::Reused);
}

TEST_CASE("an error frees the key") {
  IdempotencyTable table;
  const Digest key = digest_of({"k"});
  table.begin(key, key, 10);
  table.done(key, fail(ErrorCode::LogFull));
  CHECK(table.look(key, key).use == Use::First);
  CHECK(table.size() == 0);
}

TEST_CASE("keys leave in the order of their first use, but not while in flight") {
  IdempotencyTable table;
  const Digest a = digest_of({"a"});
  const Digest b = digest_of({"b"});
  const Digest c = digest_of({"c"});
  table.begin(a, a, 10);
  table.begin(b, b, 11);
  table.begin(c, c, 12);
  table.done(b, Position{1, Epoch{1}});
  table.done(c, Position{2, Epoch{1}});
  CHECK(table.expire(11) == 1);
  CHECK(table.look(a, a).use == Use::InFlight);
  CHECK(table.look(b, b).use == Use::First);
  CHECK(table.look(c, c).use == Use::Repeated);
}

}  // namespace
}  // namespace tako::broker
