// Appends, and what follows when they are written and synced.
#include "broker/log/disk_log.h"

#include <algorithm>
#include <cerrno>

#include "common/check.h"
#include "common/limits.h"
#include "proto/journal.pb.h"

namespace tako::broker {
namespace {

using log_format::Kind;

// A segment is a share of the log: small enough that the oldest goes soon, large enough that there
// are not too many files.
constexpr std::size_t kSegmentShare = 64;
constexpr std::size_t kSegmentBytesMin = 256 * limits::kKiB;
constexpr std::size_t kSegmentBytesMax = 64 * limits::kMiB;
// Beyond twice the log's cap: then appends have to wait until segments are gone.
constexpr std::size_t kSpareSegmentsMax = 12;
// Of a state beside its key and params, and of a key's record.
constexpr std::size_t kStateBytes = 128;
constexpr std::size_t kEpochEndBytes = 24;
constexpr std::size_t kKeyBytes = 128;
constexpr std::size_t kNotesBytes = 256;

std::string serialized(const auto& proto) { return proto.SerializeAsString(); }

std::size_t placed_bytes(std::string_view body) {
  return log_format::padded(log_format::kRecordHeadBytes + body.size());
}

void set_epochs(proto::JournalState& state, const std::vector<EpochEnd>& older) {
  for (const EpochEnd& end : older) {
    proto::JournalEpochEnd& to = *state.add_older_epochs();
    to.set_epoch(end.epoch.value);
    to.set_end_offset(end.end_offset);
  }
}

Error write_error(int error) {
  return {.code = ErrorCode::LogFull,
          .detail = describe_file_error("the log can't be written", error)};
}

}  // namespace

struct DiskLog::Append {
  StreamId stream = 0;
  std::uint32_t birth = 0;
  std::vector<MessagePtr> messages;
  std::vector<StreamEntry> entries;
  std::optional<DiskStream::KeyEntry> key;
  AckKind ack = AckKind::Synced;
  std::uint64_t round = 0;
  OnAppended on_appended;
};

Result<std::unique_ptr<LogEngine>> DiskLog::open_folder(const LogSeams& seams) {
  TAKO_CHECK(seams.disk != nullptr);
  auto recovery =
      recover_journal(seams.disk->folder, {.older_epochs_max = seams.limits.older_epochs_max});
  if (!recovery) return std::unexpected(recovery.error());
  return std::make_unique<DiskLog>(seams, std::move(*recovery));
}

DiskLog::DiskLog(const LogSeams& seams, JournalRecovery recovery)
    : seams_(seams),
      disk_(*seams.disk),
      streams_(seams, 0, this),
      hot_tail_(seams.limits.log_hot_bytes_max, seams.counters.log_hot_bytes_max,
                [this](StreamId id, std::uint32_t birth) { return find(id, birth); }),
      journal_({.clock = seams.clock,
                .random = seams.random,
                .folder = disk_.folder,
                .writer = disk_.writer,
                .syncer = disk_.syncer,
                .segment_bytes = segment_bytes()},
               *this),
      reader_(disk_.reader),
      mover_(disk_.reader, journal_, *this) {
  restore(recovery);
  begin_group(kNotesBytes);
  journal_.submit();
}

std::size_t DiskLog::segment_bytes() const {
  if (disk_.segment_bytes != 0) return disk_.segment_bytes;
  return std::clamp(seams_.limits.log_bytes_max / kSegmentShare, kSegmentBytesMin,
                    kSegmentBytesMax);
}

std::size_t DiskLog::state_room(const DiskStream& stream) {
  return kStateBytes + stream.key.size() + stream.about.size() +
         kEpochEndBytes * stream.older_epochs.size();
}

std::uint64_t DiskLog::disk_bytes_max() const {
  // Keys and heads are needed too, and have bounds of their own.
  const std::uint64_t needed =
      std::max<std::uint64_t>(seams_.limits.log_bytes_max, journal_.held_bytes());
  return 2 * needed + kSpareSegmentsMax * segment_bytes();
}

DiskStream* DiskLog::find(StreamId id, std::uint32_t birth) const {
  auto* stream = static_cast<DiskStream*>(streams_.find(id));
  return stream != nullptr && stream->birth == birth ? stream : nullptr;
}

StreamId DiskLog::open(std::string_view key, std::string_view about, const Retention& retention) {
  auto made = std::make_unique<DiskStream>(journal_, hot_tail_);
  DiskStream& stream = *made;
  stream.key = key;
  stream.about = about;
  stream.birth = ++births_;
  const StreamId id = streams_.open(key, retention, std::move(made));
  stream.given = stream.head;
  by_key_.emplace(stream.key, id);
  return id;
}

void DiskLog::release(StreamId id, std::string_view key, std::int64_t head_ttl_ms) {
  DiskStream& stream = at(id);
  TAKO_CHECK(stream.given == stream.head && stream.key == key);
  const std::string name(key);
  while (!stream.keys.empty()) drop_front_key(id);
  by_key_.erase(name);
  const bool is_remembered = streams_.release(id, key, head_ttl_ms);
  if (is_remembered) unstated_.insert(name);
}

void DiskLog::set_retention(StreamId id, const Retention& retention) {
  DiskStream& stream = at(id);
  stream.stated_in = 0;  // The next append states it anew.
  streams_.set_retention(id, retention);
  list_keys(id);
}

void DiskLog::on_head_forgotten(const QuietHead& head) { release(head.stated_at); }

void DiskLog::release(const StatedAt& stated) {
  if (stated.place != 0) journal_.release(Place::from_packed(stated.place), stated.bytes);
}

std::optional<Error> DiskLog::refusal() const {
  if (is_failed_ || is_closing_) return Error{.code = ErrorCode::Unavailable};
  // One more is let in below the bound, whatever its size.
  const bool is_behind = journal_.pending_bytes() >= seams_.limits.log_pending_bytes_max ||
                         journal_.disk_bytes() > disk_bytes_max();
  if (!is_behind) return std::nullopt;
  ++seams_.counters.log_pending_bytes_max;
  return Error{.code = ErrorCode::LimitReached,
               .detail = "the disk is behind with writing the log"};
}

void DiskLog::append(StreamId id, const std::vector<MessageDraft>& batch,
                     const AppendOptions& options, OnAppended on_appended) {
  TAKO_CHECK(!batch.empty());
  streams_.trim_stream(id);
  DiskStream& stream = at(id);
  Append append{.stream = id,
                .birth = stream.birth,
                .messages = {},
                .entries = {},
                .key = std::nullopt,
                .ack = ack(options.ack),
                .on_appended = std::move(on_appended)};
  const std::int64_t time_ms = streams_.stamp(id);
  std::size_t bytes = state_room(stream) + (options.key ? kKeyBytes : 0);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    append.messages.push_back(std::make_shared<const StoredMessage>(
        batch[i], Position{stream.given + 1 + i, stream.epoch}, time_ms,
        static_cast<std::uint32_t>(batch.size() - 1 - i)));
    bytes +=
        log_format::padded(log_format::kMessageHeadBytes + append.messages.back()->record().size());
  }
  if (auto refused = refusal()) {
    append.on_appended(std::unexpected(std::move(*refused)));
    return;
  }
  begin_group(bytes);
  if (stream.stated_in != journal_.active_number()) put_state(id);
  for (const MessagePtr& message : append.messages) {
    const bool is_first = message == append.messages.front();
    const Place place = journal_.put_message(is_first ? log_format::kBatchFirst : 0,
                                             {.stream = id,
                                              .batch_rest = message->batch_rest(),
                                              .offset = message->offset(),
                                              .time_ms = time_ms},
                                             message->record());
    append.entries.emplace_back(
        place, log_format::padded(log_format::kMessageHeadBytes + message->record().size()),
        time_ms, message->batch_rest(), is_first);
  }
  stream.given += batch.size();
  if (options.key) put_key(append, *options.key);
  append.round = journal_.round();
  auto shared = std::make_shared<Append>(std::move(append));
  unwritten_.push_back({.round = shared->round,
                        .written = [this, shared] { on_append_written(*shared); },
                        .failed = [this, shared](int) { on_append_failed(*shared); }});
  journal_.submit();
}

void DiskLog::begin_group(std::size_t bytes) {
  journal_.begin_group(bytes + kNotesBytes);
  if (!is_start_noted_) {
    note_start();
  } else if (!is_base_noted_) {
    proto::JournalBase base;
    base.set_base_epoch(base_epoch());
    journal_.put(Kind::Base, 0, serialized(base));
    is_base_noted_ = true;
    unwritten_.push_back({.round = journal_.round(),
                          .written = [] {},
                          .failed = [this](int) { is_base_noted_ = false; }});
  }
}

void DiskLog::note_start() {
  proto::JournalStart start;
  start.set_base_epoch(base_epoch());
  start.set_continues(continues_);
  start.set_time_ms(seams_.clock.wall_ms());
  for (const EpochEnd& end : streams_.older_bases()) {
    start.add_older_bases()->set_epoch(end.epoch.value);
  }
  journal_.put(Kind::Start, 0, serialized(start));
  is_start_noted_ = is_base_noted_ = true;
  unwritten_.push_back({.round = journal_.round(),
                        .written = [] {},
                        .failed = [this](int) { is_start_noted_ = false; }});
}

void DiskLog::put_state(StreamId id) {
  DiskStream& stream = at(id);
  proto::JournalState state;
  state.set_stream(id);
  state.set_key(stream.key);
  state.set_about(stream.about);
  state.set_epoch(stream.epoch.value);
  state.set_head(stream.given);
  set_epochs(state, stream.older_epochs);
  state.set_last_time_ms(stream.last_time_ms);
  state.set_window_ms(stream.retention.window_ms);
  state.set_messages_max(stream.retention.messages_max);
  state.set_bytes_max(stream.retention.bytes_max);
  const std::string body = serialized(state);
  stream.stated_in = journal_.active_number();
  const std::uint64_t version = stream.state_version = ++state_versions_;
  const Place place = journal_.put(Kind::State, 0, body);
  const auto bytes = static_cast<std::uint32_t>(placed_bytes(body));
  unwritten_.push_back({.round = journal_.round(),
                        .written =
                            [this, id, birth = stream.birth, version, place, bytes] {
                              DiskStream* stated = find(id, birth);
                              if (stated == nullptr || stated->state_version != version) return;
                              release(stated->stated_at);
                              journal_.hold(place, bytes);
                              stated->stated_at = {.place = place.packed(), .bytes = bytes};
                            },
                        .failed =
                            [this, id, birth = stream.birth](int) {
                              if (DiskStream* stated = find(id, birth)) stated->stated_in = 0;
                            }});
}

void DiskLog::put_quiet_state(const std::string& key) {
  const QuietHead* quiet = streams_.quiet().find(key);
  if (quiet == nullptr) return;
  proto::JournalState state;
  state.set_key(key);
  state.set_stream(std::numeric_limits<std::uint32_t>::max());
  state.set_epoch(quiet->head.epoch.value);
  state.set_head(quiet->head.offset);
  set_epochs(state, quiet->older_epochs);
  state.set_quiet_until_ms(streams_.quiet().expires_ms(key));
  const std::string body = serialized(state);
  begin_group(placed_bytes(body));
  const Place place = journal_.put(Kind::State, 0, body);
  const auto bytes = static_cast<std::uint32_t>(placed_bytes(body));
  unwritten_.push_back({.round = journal_.round(),
                        .written =
                            [this, key, head = quiet->head, place, bytes] {
                              QuietHead* stated = streams_.quiet().find(key);
                              if (stated == nullptr || stated->head != head) return;
                              release(stated->stated_at);
                              journal_.hold(place, bytes);
                              stated->stated_at = {.place = place.packed(), .bytes = bytes};
                            },
                        .failed = [this, key](int) { unstated_.insert(key); }});
}

void DiskLog::put_key(Append& append, const KeyUse& use) {
  proto::JournalKey key;
  key.set_stream(append.stream);
  key.set_key_low(use.key[0]);
  key.set_key_high(use.key[1]);
  key.set_body_low(use.body[0]);
  key.set_body_high(use.body[1]);
  key.set_offset(append.messages.front()->offset());
  key.set_epoch(append.messages.front()->epoch().value);
  key.set_used_ms(append.messages.front()->time_ms());
  const std::string body = serialized(key);
  append.key = {.place = journal_.put(Kind::Key, 0, body),
                .bytes = static_cast<std::uint32_t>(placed_bytes(body)),
                .used_ms = append.messages.front()->time_ms()};
}

void DiskLog::on_written(std::uint64_t round) {
  is_full_ = false;
  // An observer or a publisher may append, so that more comes in here while this runs.
  while (!unwritten_.empty() && unwritten_.front().round <= round) {
    const Unwritten next = std::move(unwritten_.front());
    unwritten_.pop_front();
    next.written();
  }
  if (!unsynced_.empty()) journal_.sync();
  mover_.on_written(round);
}

void DiskLog::on_append_written(Append& append) {
  DiskStream& stream = at(append.stream);
  TAKO_CHECK(stream.birth == append.birth);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < append.messages.size(); ++i) {
    const StreamEntry& entry = append.entries[i];
    journal_.hold(entry.place(), entry.bytes());
    stream.entries.push_back(entry);
    stream.hot.push_back(append.messages[i]);
    ++stream.head;
    hot_tail_.added(append.stream, stream);
    bytes += entry.bytes();
  }
  if (append.key) {
    journal_.hold(append.key->place, append.key->bytes);
    stream.keys.push_back(*append.key);
    if (stream.keys.size() == 1) list_keys(append.stream);
  }
  streams_.added(append.stream, append.messages.size(), bytes);
  if (observer_ != nullptr) observer_->on_readable(append.stream);
  acknowledge(append.round, append.ack,
              [messages = std::move(append.messages),
               on_appended = std::move(append.on_appended)]() mutable {
                on_appended(std::move(messages));
              });
}

void DiskLog::acknowledge(std::uint64_t round, AckKind wanted, std::function<void()> told) {
  if (wanted == AckKind::Synced) {
    unsynced_.push_back({round, std::move(told)});
  } else {
    told();
  }
}

void DiskLog::on_append_failed(Append& append) {
  if (DiskStream* stream = find(append.stream, append.birth)) {
    stream->given = stream->head;
    stream->stated_in = 0;
  }
  refused_.push_back(std::move(append.on_appended));
}

void DiskLog::on_write_failed(int error) {
  if (!std::exchange(is_full_, true)) {
    disk_.warn(describe_file_error("the log can't be written, publishes are refused", error));
  }
  mover_.stop();
  // Nothing that was put is in the files. First all streams stand where they stood, then publishers
  // hear of it: who does may append again, at once.
  for (const Unwritten& abandoned : std::exchange(unwritten_, {})) abandoned.failed(error);
  for (const OnAppended& refused : std::exchange(refused_, {})) {
    refused(std::unexpected(write_error(error)));
  }
  if (on_closed_) std::exchange(on_closed_, nullptr)();
}

void DiskLog::when_safe(AckKind wanted, std::function<void()> on_safe) {
  if (wanted != AckKind::Synced || journal_.is_all_synced()) {
    on_safe();
    return;
  }
  unsynced_.push_back({journal_.written_round(), std::move(on_safe)});
  journal_.sync();
}

void DiskLog::on_synced(std::uint64_t round) {
  while (!unsynced_.empty() && unsynced_.front().round <= round) {
    const Unsynced next = std::move(unsynced_.front());
    unsynced_.pop_front();
    next.synced();
  }
  consider_moving();
}

void DiskLog::on_fatal(std::string_view what, int error) {
  is_failed_ = true;
  // What waits is not answered: whether it is stored is not known, and saying either is a lie.
  disk_.on_failed(describe_file_error(what, error));
}

bool DiskLog::trim() {
  const bool is_done = streams_.trim();
  if (is_failed_ || is_closing_) return true;
  expire_keys();
  for (const std::string& key : std::exchange(unstated_, {})) put_quiet_state(key);
  if (!is_start_noted_) begin_group(kNotesBytes);
  journal_.submit();
  if (!journal_.is_all_synced()) journal_.sync();
  journal_.remove_dead();
  consider_moving();
  return is_done;
}

void DiskLog::close(std::function<void()> on_closed) {
  if (is_failed_) {
    on_closed();
    return;
  }
  mover_.stop();
  for (const std::string& key : std::exchange(unstated_, {})) put_quiet_state(key);
  begin_group(kNotesBytes);
  journal_.keep_all();
  proto::JournalEnd end;
  end.set_first_segment(journal_.oldest_number());
  end.set_time_ms(seams_.clock.wall_ms());
  journal_.put(Kind::End, 0, serialized(end));
  on_closed_ = std::move(on_closed);
  is_closing_ = true;
  unwritten_.push_back({.round = journal_.round(),
                        .written =
                            [this, round = journal_.round()] {
                              unsynced_.push_back(
                                  {round, [this] { std::exchange(on_closed_, nullptr)(); }});
                            },
                        .failed = [](int) {}});
  journal_.submit();
}

LogStats DiskLog::stats() const {
  LogStats stats = streams_.stats();
  stats.hot_bytes = hot_tail_.bytes();
  stats.pending_bytes = journal_.pending_bytes();
  stats.segments = journal_.segments();
  stats.disk_bytes = static_cast<std::size_t>(journal_.disk_bytes());
  stats.written_bytes_total = journal_.counters().written_bytes;
  stats.writes_total = journal_.counters().writes;
  stats.syncs_total = journal_.counters().syncs;
  stats.cold_reads_total = cold_reads_;
  stats.moved_total = moved_;
  stats.corrupt_total = corrupt_;
  return stats;
}

}  // namespace tako::broker
