// Neighbours in a file are read by one call; each record's checksum is looked at.
#include "broker/log/cold_reader.h"

#include <string>
#include <utility>

namespace tako::broker {
namespace {

constexpr std::size_t kReadBytesMax = std::size_t{1} << 20U;

// How many items from `first` on stand behind each other in one file, and may be read at once.
std::size_t neighbours(const std::vector<ColdItem>& items, std::size_t first) {
  std::size_t end = first + 1;
  std::size_t bytes = items[first].bytes;
  while (end < items.size() && items[end].message == nullptr &&
         items[end].source.file == items[first].source.file &&
         items[end].at == items[end - 1].at + items[end - 1].bytes &&
         bytes + items[end].bytes <= kReadBytesMax) {
    bytes += items[end++].bytes;
  }
  return end - first;
}

MessagePtr decode(const ColdItem& item, std::string_view bytes) {
  const auto found = log_format::decode_record(bytes, item.source.salt, item.at);
  if (!found || found->kind != log_format::Kind::Message) return nullptr;
  auto message = StoredMessage::parse(std::string(found->body));
  return message != nullptr && message->offset() == item.offset ? message : nullptr;
}

ColdReader::Outcome read_all(const std::vector<ColdItem>& items) {
  ColdReader::Outcome outcome;
  std::string bytes;
  for (std::size_t i = 0; i < items.size();) {
    if (items[i].message != nullptr) {
      outcome.messages.push_back(items[i++].message);
      continue;
    }
    const std::size_t count = neighbours(items, i);
    const ColdItem& last = items[i + count - 1];
    bytes.resize(static_cast<std::size_t>(last.at + last.bytes - items[i].at));
    const auto got = items[i].source.file->read_at(items[i].at, bytes);
    if (got) bytes.resize(*got);
    if (!got) bytes.clear();
    const std::uint64_t begin = items[i].at;
    for (const std::size_t end = i + count; i < end; ++i) {
      const std::uint64_t at = items[i].at - begin;
      MessagePtr message =
          at < bytes.size() ? decode(items[i], std::string_view(bytes).substr(at)) : nullptr;
      if (message == nullptr) {
        outcome.unreadable = items[i].offset;
        return outcome;
      }
      outcome.messages.push_back(std::move(message));
    }
  }
  return outcome;
}

}  // namespace

void ColdReader::read(std::vector<ColdItem> items, OnDone on_done) {
  struct Job {
    std::vector<ColdItem> items;
    Outcome outcome;
  };
  auto job = std::make_shared<Job>();
  job->items = std::move(items);
  worker_.run([job] { job->outcome = read_all(job->items); },
              [job, is_alive = is_alive_, on_done = std::move(on_done)] {
                if (*is_alive) on_done(std::move(job->outcome));
              });
}

}  // namespace tako::broker
