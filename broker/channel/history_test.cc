// Pages by cursor and by time, and what they say of what lies before and behind them.
#include "broker/channel/history.h"

#include <doctest/doctest.h>

#include "broker/channel/test_broker.h"

namespace tako::broker {
namespace {

struct History : TestBroker {
  // Ten messages, one each 10 ms.
  explicit History(RuntimeLimits changed = {}) : TestBroker(changed) {
    start_ms = clock.wall_ms();
    for (int i = 1; i <= 10; ++i) {
      epoch = publish("chat", std::to_string(i))->position.epoch;
      clock.advance(10);
    }
  }
  Page read(const PageRequest& request, const std::string& name = "chat") {
    std::optional<Result<Page>> page;
    read_page(table, "default", name, request,
              [&page](Result<Page> read) { page = std::move(read); });
    REQUIRE(page.has_value());
    REQUIRE(page->has_value());
    return **page;
  }
  [[nodiscard]] Cursor at(std::uint64_t offset) const { return {.position = {offset, epoch}}; }
  // `2 3 4 <>`: the messages, and whether older and newer ones exist.
  std::string text(const PageRequest& request) {
    const Page page = read(request);
    std::string out;
    for (const MessagePtr& message : page.messages) out += std::string(message->data()) + ' ';
    return out + (page.more_before ? "<" : "") + (page.more_after ? ">" : "");
  }

  std::int64_t start_ms = 0;
  Epoch epoch;
};

TEST_CASE("without a cursor the newest, ascending") {
  History history;
  CHECK(history.text({.limit = 3}) == "8 9 10 <");
  CHECK(history.text({.limit = 10}) == "1 2 3 4 5 6 7 8 9 10 ");
  CHECK(history.text({.limit = 50}) == "1 2 3 4 5 6 7 8 9 10 ");
}

TEST_CASE("after a cursor, ascending from there") {
  History history;
  CHECK(history.text({.after = history.at(4), .limit = 2}) == "5 6 <>");
  CHECK(history.text({.after = history.at(8), .limit = 2}) == "9 10 <");
  CHECK(history.text({.after = history.at(10), .limit = 2}) == "<");
  CHECK(history.text({.after = history.at(0), .limit = 2}) == "1 2 >");
  CHECK(history.text({.after = Cursor{.from_oldest = true, .position = {}}, .limit = 1}) == "1 >");
}

TEST_CASE("before a cursor, the newest ones there") {
  History history;
  CHECK(history.text({.before = history.at(5), .limit = 2}) == "3 4 <>");
  CHECK(history.text({.before = history.at(2), .limit = 2}) == "1 >");
  CHECK(history.text({.before = history.at(1), .limit = 2}) == ">");
  CHECK(history.text({.before = history.at(0), .limit = 2}) == ">");
}

TEST_CASE("with the message at the cursor, for whoever starts behind it") {
  History history;
  const auto text = [&](std::uint64_t offset) {
    return history.text({.before = history.at(offset), .with_before = true, .limit = 2});
  };
  CHECK(text(5) == "4 5 <>");
  CHECK(text(1) == "1 >");
  CHECK(text(0) == ">");
  CHECK(text(10) == "9 10 <");
  CHECK(history.read({.before = history.at(11), .with_before = true}).gap ==
        GapReason::AheadOfHead);
}

TEST_CASE("walking forth and back by cursors sees each message once") {
  History history;
  std::string seen;
  Cursor cursor = history.at(0);
  for (bool more = true; more;) {
    const Page page = history.read({.after = cursor, .limit = 3});
    for (const MessagePtr& message : page.messages) seen += std::string(message->data()) + ' ';
    cursor.position = page.messages.back()->position();
    more = page.more_after;
  }
  CHECK(seen == "1 2 3 4 5 6 7 8 9 10 ");
  std::size_t count = 1;  // the last one, at which the cursor stands
  for (bool more = true; more;) {
    const Page page = history.read({.before = cursor, .limit = 4});
    count += page.messages.size();
    cursor.position = page.messages.front()->position();
    more = page.more_before;
  }
  CHECK(count == 10);
}

TEST_CASE("times bound a page on both sides, both included") {
  History history;
  const std::int64_t from = history.start_ms + 20;  // message 3
  const std::int64_t to = history.start_ms + 60;    // message 7
  CHECK(history.text({.from_ms = from, .to_ms = to}) == "3 4 5 6 7 ");
  CHECK(history.text({.from_ms = from, .to_ms = to, .limit = 2}) == "6 7 <");
  CHECK(history.text({.after = history.at(4), .from_ms = from, .to_ms = to, .limit = 2}) ==
        "5 6 <>");
  CHECK(history.text({.after = history.at(1), .from_ms = from, .limit = 1}) == "3 >");
  CHECK(history.text({.before = history.at(5), .from_ms = from, .limit = 9}) == "3 4 >");
  CHECK(history.text({.from_ms = from + 1, .to_ms = from + 2}).empty());
  CHECK(history.text({.from_ms = history.start_ms + 5'000}).empty());
  CHECK(history.text({.to_ms = history.start_ms - 1}).empty());
}

TEST_CASE("a page ends early in messages and in bytes, counted") {
  RuntimeLimits limits;
  limits.history_page_max = 4;
  limits.history_page_bytes_max = 2'000;
  History history(limits);
  CHECK(history.text({.after = history.at(0), .limit = 100}) == "1 2 3 4 >");
  CHECK(history.counters.history_page_max == 1);
  CHECK(history.counters.history_page_bytes_max == 0);
  for (int i = 0; i < 3; ++i) history.publish("feed", std::string(900, 'x'));
  const Page page = history.read({.limit = 3}, "feed");
  CHECK(page.messages.size() == 2);
  CHECK(page.more_before);
  CHECK(history.counters.history_page_bytes_max == 1);
}

TEST_CASE("a batch is cut, or not, as asked") {
  History history;
  std::vector<PublishRequest> batch(3, TestBroker::request("chat", "b"));
  history.publisher.publish_atomic(batch, "", [](const std::vector<Result<Published>>& results) {
    REQUIRE(results[0].has_value());
  });
  CHECK(history.text({.after = history.at(9), .limit = 2}) == "10 b <>");
  CHECK(history.text({.after = history.at(9), .limit = 2, .whole_batches = true}) == "10 b b b <");
}

TEST_CASE("a cursor that can't be continued is a gap, and gives no messages") {
  History history;
  const auto gap = [&](const PageRequest& request) {
    const Page page = history.read(request);
    CHECK(page.messages.empty());
    return page.gap;
  };
  CHECK(gap({.after = history.at(11)}) == GapReason::AheadOfHead);
  CHECK(gap({.before = history.at(11)}) == GapReason::AheadOfHead);
  const Cursor lost{.position = {1, make_epoch(history.epoch.value + 1)}};
  CHECK(gap({.after = lost}) == GapReason::HistoryLost);
  CHECK(gap({.before = lost}) == GapReason::HistoryLost);
  for (int i = 0; i < 6; ++i) history.publish("feed", "x");  // keeps 4, 5, 6
  const Cursor passed{.position = {2, history.table.window("default", "feed").epoch}};
  CHECK(history.read({.after = passed}, "feed").gap == GapReason::WindowPassed);
  const Page before = history.read({.before = passed}, "feed");
  CHECK_FALSE(before.gap.has_value());  // nothing is there, and nothing was lost on the way
  CHECK(before.messages.empty());
  CHECK_FALSE(before.more_before);
  CHECK(before.more_after);
}

TEST_CASE("a channel without a record gives an empty page and gets none") {
  History history;
  const std::size_t channels = history.table.size();
  const Page page = history.read({}, "chat?roomId=7");
  CHECK(page.messages.empty());
  CHECK_FALSE(page.more_after);
  CHECK(page.window.head == 0);
  CHECK(history.read({.after = history.at(3)}, "chat?roomId=7").gap == GapReason::AheadOfHead);
  CHECK_FALSE(history.read({.after = history.at(0)}, "chat?roomId=7").gap.has_value());
  CHECK(history.table.size() == channels);
}

TEST_CASE("both cursors at once are refused") {
  History history;
  bool is_refused = false;
  read_page(history.table, "default", "chat", {.after = history.at(1), .before = history.at(3)},
            [&is_refused](const Result<Page>& page) {
              is_refused = page.error().code == ErrorCode::BadRequest;
            });
  CHECK(is_refused);
}

}  // namespace
}  // namespace tako::broker
