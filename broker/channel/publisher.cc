// Checks, deduplicates, appends; answers when the log has it.
#include "broker/channel/publisher.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/channel_name.h"
#include "common/check.h"
#include "common/limits.h"
#include "common/utf8.h"

namespace tako::broker {
namespace {

// Of a batch's records: it crosses a link in one frame, behind a share of other messages.
constexpr std::size_t kBatchRecordBytesMax = 5 * limits::kMiB;
constexpr std::size_t kRecordNumbersBytes = 64;

std::size_t record_bytes(const MessageDraft& draft) {
  return kRecordNumbersBytes + draft.type.size() + draft.data.size() + draft.subject.size() +
         draft.connection.size();
}

// What makes a repeat the same message: everything that a reader would see of it, unless that was
// made of what was `sent`.
Digest body_digest(const std::vector<MessageDraft>& batch, std::string_view sent) {
  std::vector<std::string_view> pieces;
  constexpr std::array<std::string_view, 3> kEncodings{"json", "text", "binary"};
  for (const MessageDraft& message : batch) {
    pieces.insert(pieces.end(), {message.type, sent.empty() ? message.data : sent,
                                 kEncodings.at(static_cast<std::size_t>(message.encoding))});
    for (const auto& [name, value] : message.extras) pieces.insert(pieces.end(), {name, value});
  }
  return digest_of(pieces);
}

Digest key_digest(PublisherKind publisher, std::string_view subject, std::string_view key) {
  const bool is_app = publisher == PublisherKind::App;
  return digest_of({is_app ? "app" : "client", is_app ? std::string_view() : subject, key});
}

bool is_key_of(const ChannelIdentity& channel) {
  return channel.key == channel.name || channel.key.starts_with(channel.name + '?');
}

}  // namespace

// One append on its way: what idempotency needs to know when it is done.
struct Publisher::Append {
  Channel& channel;
  std::size_t count;
  AckKind ack = AckKind::Memory;
  std::optional<KeyUse> key = {};
};

// Answers of a batch, gathered; owned by batches_ until the last has come.
struct Publisher::Gathering {
  std::vector<Result<Published>> results;
  std::size_t left = 0;
  OnBatchPublished on_published;
};

Publisher::Publisher(ChannelTable& table, ClusterEngine& cluster,
                     const DefinitionsRegistry& definitions, const Clock& clock,
                     const RuntimeLimits& limits, LimitCounters& limit_counters)
    : table_(table),
      cluster_(cluster),
      definitions_(definitions),
      clock_(clock),
      limits_(limits),
      limit_counters_(limit_counters) {}

Publisher::~Publisher() = default;

AckKind Publisher::ack(std::string_view app, std::optional<AckKind> wanted) const {
  if (wanted) return table_.log().ack(*wanted);
  const auto found = acks_.find(app);
  return table_.log().ack(found == acks_.end() ? AckKind::Synced : found->second);
}

void Publisher::publish(PublishRequest request, OnPublished on_published) {
  if (const auto checked = check(request); !checked) {
    ++counters_.refused_total;
    on_published(std::unexpected(checked.error()));
    return;
  }
  if (request.ephemeral) {
    publish_ephemeral(request, on_published);
    return;
  }
  std::string key = request.message.message_id;
  std::vector<MessageDraft> batch;
  batch.push_back(std::move(request.message));
  store({std::move(request.channel), request.publisher, request.ack, std::move(key),
         std::move(batch), std::move(request.sent)},
        [on_published = std::move(on_published)](std::vector<Result<Published>> results) {
          on_published(std::move(results.front()));
        });
}

void Publisher::publish_each(std::vector<PublishRequest> requests, OnBatchPublished on_published) {
  if (requests.empty()) {
    on_published({});
    return;
  }
  const auto gathering =
      batches_.insert(batches_.end(), {.results = std::vector<Result<Published>>(requests.size()),
                                       .left = requests.size(),
                                       .on_published = std::move(on_published)});
  // The last answer ends the gathering, which may come before the last call here returns.
  const std::size_t count = requests.size();
  for (std::size_t i = 0; i < count; ++i) {
    publish(std::move(requests[i]), [this, gathering, i](Result<Published> result) {
      gathering->results[i] = std::move(result);
      if (--gathering->left > 0) return;
      const Gathering done = std::move(*gathering);
      batches_.erase(gathering);
      done.on_published(done.results);
    });
  }
}

void Publisher::publish_atomic(std::vector<PublishRequest> requests, std::string batch_key,
                               OnBatchPublished on_published) {
  if (requests.empty()) {
    on_published({});
    return;
  }
  if (const auto checked = check_atomic(requests, batch_key); !checked) {
    counters_.refused_total += requests.size();
    on_published(std::vector<Result<Published>>(requests.size(), std::unexpected(checked.error())));
    return;
  }
  std::vector<MessageDraft> batch;
  batch.reserve(requests.size());
  for (PublishRequest& request : requests) batch.push_back(std::move(request.message));
  batch.front().message_id = batch_key;  // stored, so that a log can know it again
  store({std::move(requests.front().channel), requests.front().publisher, requests.front().ack,
         std::move(batch_key), std::move(batch)},
        std::move(on_published));
}

Result<void> Publisher::check(const PublishRequest& request) {
  const ChannelIdentity& channel = request.channel;
  const MessageDraft& message = request.message;
  if (!definitions_.has_app(channel.app)) return fail(ErrorCode::AppUnknown);
  if (definitions_.find(channel.app, channel.name) == nullptr) {
    return fail(ErrorCode::ChannelUnknown);
  }
  if (!is_key_of(channel)) return fail(ErrorCode::BadRequest, "the key is not one of the channel");
  if (channel.key.size() > limits::kChannelKeyBytesMax) {
    ++limit_counters_.channel_key_bytes_max;
    return fail(ErrorCode::ParamsInvalid, "invalid channel params: too long");
  }
  if (!is_message_type(message.type)) {
    if (is_long_message_type(message.type)) ++limit_counters_.message_type_max;
    return fail(ErrorCode::BadRequest,
                "type must be 1-128 characters without control characters, and not begin with "
                "`tako.`");
  }
  if (message.data.size() > limits_.message_bytes_max) {
    ++limit_counters_.message_bytes_max;
    return fail(ErrorCode::PayloadTooLarge);
  }
  if (request.ephemeral && !message.message_id.empty()) return fail(ErrorCode::EphemeralWithKey);
  if (message.connection.size() > limits::kSubjectMax || !is_valid_utf8(message.connection)) {
    return fail(ErrorCode::BadRequest, "the connection's id is too long, or not UTF-8");
  }
  return check_key(message.message_id, message.subject);
}

Result<void> Publisher::check_key(std::string_view key, std::string_view subject) {
  if (key.size() > limits::kIdempotencyKeyMax) {
    ++limit_counters_.idempotency_key_max;
    return fail(ErrorCode::BadRequest, "the idempotency key is longer than 256 bytes");
  }
  if (subject.size() > limits::kSubjectMax) {
    ++limit_counters_.subject_max;
    return fail(ErrorCode::BadRequest, "the subject is longer than 256 bytes");
  }
  // They are text in a Record: an edge could not parse a frame that holds other bytes.
  if (!is_valid_utf8(key) || !is_valid_utf8(subject)) {
    return fail(ErrorCode::BadRequest, "the idempotency key and the subject must be UTF-8");
  }
  return {};
}

Result<void> Publisher::check_atomic(const std::vector<PublishRequest>& requests,
                                     std::string_view batch_key) {
  const PublishRequest& first = requests.front();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const PublishRequest& request = requests[i];
    const std::string where = "messages[" + std::to_string(i) + "]: ";
    if (auto checked = check(request); !checked) {
      checked.error().detail = where + std::string(checked.error().message());
      return checked;
    }
    if (request.channel.app != first.channel.app || request.channel.key != first.channel.key) {
      return fail(ErrorCode::BatchInvalid, where + "an atomic batch is of one channel");
    }
    if (request.ephemeral) {
      return fail(ErrorCode::BatchInvalid, where + "an ephemeral message can't be atomic");
    }
    if (!request.message.message_id.empty()) {
      return fail(ErrorCode::BatchInvalid, where + "an atomic batch has one key for all");
    }
    bytes += record_bytes(request.message);
  }
  if (bytes > kBatchRecordBytesMax) {
    ++limit_counters_.link_frame_bytes_max;
    return fail(ErrorCode::PayloadTooLarge, "the atomic batch is larger than a link's frame");
  }
  const Definition* definition = definitions_.find(first.channel.app, first.channel.name);
  const std::size_t wanted = definition == nullptr ? 0 : definition->messages_max;
  const std::size_t cap = limits_.channel_messages_max;
  if (requests.size() > (wanted == 0 ? cap : std::min(wanted, cap))) {
    return fail(ErrorCode::BatchInvalid, "more messages than the channel keeps");
  }
  return check_key(batch_key, {});
}

void Publisher::publish_ephemeral(const PublishRequest& request, const OnPublished& on_published) {
  ++counters_.ephemeral_total;
  const auto message =
      std::make_shared<const StoredMessage>(request.message, Position{}, clock_.wall_ms(), 0);
  if (Channel* channel = table_.find(request.channel.app, request.channel.key)) {
    for (Sink* sink : channel->sinks_) sink->on_ephemeral(message);
  }
  on_published(Published{.position = {}, .message = message, .repeated = false});
}

void Publisher::store(ToStore request, OnBatchPublished on_published) {
  Channel& channel = table_.open(request.channel);
  Append append{.channel = channel,
                .count = request.batch.size(),
                .ack = ack(request.channel.app, request.ack)};
  if (!request.key.empty()) {
    append.key = {.key = key_digest(request.publisher, request.batch.front().subject, request.key),
                  .body = body_digest(request.batch, request.sent)};
    if (!claim_key(append, on_published)) return;
  }
  ++channel.appends_in_flight_;
  cluster_.append(channel.stream(), request.batch, {.ack = append.ack, .key = append.key},
                  [this, append,
                   on_published = std::move(on_published)](Result<std::vector<MessagePtr>> stored) {
                    finish(append, std::move(stored), on_published);
                  });
}

bool Publisher::claim_key(const Append& append, const OnBatchPublished& on_published) {
  Channel& channel = append.channel;
  table_.expire_keys(channel);
  if (channel.keys_ == nullptr) channel.keys_ = std::make_unique<IdempotencyTable>();
  const IdempotencyTable::Looked looked = channel.keys_->look(append.key->key, append.key->body);
  switch (looked.use) {
    case IdempotencyTable::Use::First: {
      if (is_table_full(channel)) break;
      channel.keys_->begin(append.key->key, append.key->body, clock_.wall_ms());
      ++table_.idempotency_keys_;
      return true;
    }
    case IdempotencyTable::Use::Repeated:
      repeat(append, looked.position, on_published);
      return false;
    case IdempotencyTable::Use::InFlight:
      channel.keys_->wait(append.key->key, [this, append,
                                            on_published](const Result<Position>& first) {
        if (first) return repeat(append, *first, on_published);
        on_published(std::vector<Result<Published>>(append.count, std::unexpected(first.error())));
      });
      return false;
    case IdempotencyTable::Use::Reused:
      refuse(ErrorCode::IdempotencyKeyReused, append.count, on_published);
      return false;
  }
  refuse(ErrorCode::IdempotencyTableFull, append.count, on_published);
  return false;
}

bool Publisher::is_table_full(const Channel& channel) {
  if (channel.keys_->size() >= limits_.idempotency_keys_per_channel_max) {
    ++limit_counters_.idempotency_keys_per_channel_max;
    return true;
  }
  if (table_.idempotency_keys() >= limits_.idempotency_keys_max) {
    ++limit_counters_.idempotency_keys_max;
    return true;
  }
  return false;
}

void Publisher::refuse(ErrorCode code, std::size_t count, const OnBatchPublished& on_published) {
  counters_.refused_total += count;
  on_published(std::vector<Result<Published>>(count, fail(code)));
}

void Publisher::finish(const Append& append, Result<std::vector<MessagePtr>> stored,
                       const OnBatchPublished& on_published) {
  --append.channel.appends_in_flight_;
  if (append.key) {
    const auto first =
        stored ? Result<Position>(stored->front()->position()) : std::unexpected(stored.error());
    if (!stored) --table_.idempotency_keys_;
    append.channel.keys_->done(append.key->key, first);
  }
  if (!stored) {
    on_published(std::vector<Result<Published>>(append.count, std::unexpected(stored.error())));
    return;
  }
  counters_.published_total += stored->size();
  std::vector<Result<Published>> results;
  results.reserve(stored->size());
  for (MessagePtr& message : *stored) {
    results.emplace_back(Published{
        .position = message->position(), .message = std::move(message), .ack = append.ack});
  }
  on_published(std::move(results));
}

void Publisher::repeat(const Append& append, const Position& first,
                       const OnBatchPublished& on_published) {
  ++counters_.repeated_total;
  ++append.channel.appends_in_flight_;  // It must not be forgotten meanwhile.
  const auto answer = [append, first, on_published](const std::vector<MessagePtr>& kept) {
    --append.channel.appends_in_flight_;
    std::vector<Result<Published>> results;
    results.reserve(append.count);
    for (std::size_t i = 0; i < append.count; ++i) {
      const std::uint64_t offset = first.offset + i;
      const auto found = std::ranges::find(kept, offset, &StoredMessage::offset);
      results.emplace_back(Published{.position = {offset, first.epoch},
                                     .message = found == kept.end() ? nullptr : *found,
                                     .repeated = true,
                                     .ack = append.ack});
    }
    on_published(std::move(results));
  };
  table_.log().when_safe(append.ack, [this, append, first, answer] {
    table_.log().load_after(append.channel.stream(), first.offset - 1,
                            first.offset + append.count - 1, {.messages_max = append.count},
                            answer);
  });
}

}  // namespace tako::broker
