// Fields by their numbers in proto/link.proto.
#include "tests/support/presence_peer.h"

#include <array>

#include "tests/support/wait.h"

namespace tako::test {
namespace {

constexpr std::uint32_t kOpen = 10;  // of EdgeItem
constexpr std::uint32_t kSession = 12;
constexpr std::uint32_t kGone = 13;
constexpr std::uint32_t kList = 10;  // of BrokerItem
constexpr std::uint32_t kChanges = 11;
constexpr std::uint32_t kRefused = 13;
constexpr std::uint64_t kChannel = 1;
constexpr std::array<std::string_view, 4> kReasons{"lost", "left", "expired", "revoked"};

std::string bytes_of(const std::vector<ProtoField>& fields, std::uint32_t wanted) {
  for (const ProtoField& field : fields) {
    if (field.field == wanted) return field.bytes;
  }
  return {};
}

std::uint64_t number_of(const std::vector<ProtoField>& fields, std::uint32_t wanted) {
  for (const ProtoField& field : fields) {
    if (field.field == wanted) return field.number;
  }
  return 0;
}

PresencePeer::Version version_of(const std::string& wire) {
  const auto fields = read_proto(wire);
  return {.number = number_of(fields, 1), .epoch = number_of(fields, 2)};
}

}  // namespace

PresencePeer::PresencePeer(const std::string& link_path, std::uint64_t instance)
    : link_(LinkPeer::dial(link_path)) {
  link_.say(EdgeSays::Hello,
            ProtoMessage().number(1, 1).number(2, 2).bytes(3, "played").number(4, instance));
  static_cast<void>(link_.next(BrokerSays::Welcome));
}

void PresencePeer::open(std::string_view name, std::uint64_t connections, const Version* has) {
  ProtoMessage open;
  open.number(1, kChannel).bytes(2, "default").bytes(3, name).bytes(4, name).bytes(5, "{}");
  open.number(6, connections).number(7, 1);
  if (has != nullptr) {
    open.message(9, ProtoMessage().number(1, has->number).number(2, has->epoch));
  }
  link_.say(kOpen, open);
}

ProtoMessage PresencePeer::session(std::uint64_t number, std::string_view subject,
                                   std::string_view data) {
  ProtoMessage said;
  said.number(1, kChannel).number(2, number).bytes(3, subject);
  if (!data.empty()) said.bytes(5, data).number(6, 1'700'000'000'000);
  return said;
}

void PresencePeer::enter(std::uint64_t number, std::string_view subject, std::string_view data) {
  link_.say(kSession, session(number, subject, data));
}

void PresencePeer::enter_many(std::uint64_t count, std::string_view data) {
  ProtoMessage frame;
  for (std::uint64_t number = 1; number <= count; ++number) {
    const ProtoMessage said = session(number, "s" + std::to_string(10'000 + number), data);
    frame.message(1, ProtoMessage().message(kSession, said));
  }
  link_.send_frame(frame);
}

void PresencePeer::leave(std::uint64_t session, Departure how) {
  link_.say(kGone, ProtoMessage()
                       .number(1, kChannel)
                       .number(2, session)
                       .number(3, static_cast<std::uint64_t>(how)));
}

std::string PresencePeer::next() {
  for (;;) {
    const LinkItem item = link_.next();
    if (item.kind == kList) return take_list(item);
    if (item.kind == kChanges) return take_changes(item);
    if (item.kind == kRefused) return "refused";
  }
}

void PresencePeer::wait_for(std::string_view wanted) {
  while (next().find(wanted) == std::string::npos) {
  }
}

void PresencePeer::wait_for_member(const std::string& subject) {
  while (!members_.contains(subject)) static_cast<void>(next());
}

void PresencePeer::take_member(const std::string& wire) {
  const auto fields = read_proto(wire);
  members_[bytes_of(fields, 1)] = bytes_of(fields, 3);
}

std::string PresencePeer::take_list(const LinkItem& item) {
  members_.clear();
  version_ = version_of(item.bytes(2));
  for (const ProtoField& field : item.fields) {
    if (field.field == 3) take_member(field.bytes);
  }
  return "list";
}

std::string PresencePeer::take_changes(const LinkItem& item) {
  const Version after = version_of(item.bytes(2));
  if (after.number != version_.number || after.epoch != version_.epoch) {
    throw TestFailure("changes that do not apply to the list that is held");
  }
  version_ = version_of(item.bytes(3));
  std::string told;
  for (const ProtoField& field : item.fields) {
    if (field.field != 4) continue;
    const auto change = read_proto(field.bytes);
    const std::uint64_t action = number_of(change, 1);
    const std::string member = bytes_of(change, 2);
    const std::string subject = bytes_of(read_proto(member), 1);
    told += "+*-"[action] + subject;
    if (action == 2) {
      members_.erase(subject);
      told += ':' + std::string(kReasons.at(number_of(change, 3)));
    } else {
      take_member(member);
    }
    told += ' ';
  }
  return told;
}

}  // namespace tako::test
