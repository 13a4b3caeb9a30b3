// Frames of the link: a length of four bytes, big-endian, then items under field 1.
#include "tests/support/link_peer.h"

namespace tako::test {
namespace {

constexpr std::uint32_t kItems = 1;
constexpr std::size_t kLengthBytes = 4;

const ProtoField* find(const std::vector<ProtoField>& fields, std::uint32_t number) {
  for (const ProtoField& field : fields) {
    if (field.field == number) return &field;
  }
  return nullptr;
}

}  // namespace

std::uint64_t LinkItem::number(std::uint32_t field) const {
  const ProtoField* found = find(fields, field);
  return found == nullptr ? 0 : found->number;
}

std::string LinkItem::bytes(std::uint32_t field) const {
  const ProtoField* found = find(fields, field);
  return found == nullptr ? std::string() : found->bytes;
}

void LinkPeer::say(std::uint32_t kind, const ProtoMessage& item) {
  send_frame(ProtoMessage().message(kItems, ProtoMessage().message(kind, item)));
}

void LinkPeer::send_frame(const ProtoMessage& frame) {
  std::string bytes;
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    bytes.push_back(static_cast<char>(frame.wire().size() >> shift));
  }
  socket_.write(bytes + frame.wire());
}

LinkItem LinkPeer::next() {
  while (items_.empty()) {
    for (const ProtoField& item : read_proto(read_frame())) {
      if (item.field != kItems) continue;
      for (const ProtoField& kind : read_proto(item.bytes)) {
        items_.push_back({.kind = kind.field, .fields = read_proto(kind.bytes)});
      }
    }
  }
  LinkItem item = std::move(items_.front());
  items_.pop_front();
  return item;
}

std::string LinkPeer::read_frame() {
  for (;;) {
    if (unread_.size() >= kLengthBytes) {
      std::size_t length = 0;
      for (std::size_t i = 0; i < kLengthBytes; ++i) {
        length = length << 8U | static_cast<unsigned char>(unread_[i]);
      }
      if (unread_.size() >= kLengthBytes + length) {
        std::string frame = unread_.substr(kLengthBytes, length);
        unread_.erase(0, kLengthBytes + length);
        return frame;
      }
    }
    const ReadResult read = socket_.read();
    if (read.kind == ReadResult::Kind::Closed) throw TestFailure("the link was closed");
    if (read.kind == ReadResult::Kind::Timeout) throw TestFailure("nothing came over the link");
    unread_ += read.bytes;
  }
}

}  // namespace tako::test
