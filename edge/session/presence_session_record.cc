// A client's part in presence as it moves to another process.
#include "edge/session/presence_session.h"
#include "proto/handoff.pb.h"

namespace tako::edge {

void PresenceSession::save(proto::PresenceRecord& record) const {
  save_request({.wish = request_.wish,
                .enters = is_listed(),
                .data = request_.data,
                .data_set_ms = request_.data_set_ms,
                .has = told()},
               record);
}

void PresenceSession::save_request(const PresenceRequest& request, proto::PresenceRecord& record) {
  record.set_is_listed(request.enters);
  record.set_wants(static_cast<std::uint32_t>(request.wish));
  record.set_data(request.data);
  record.set_data_set_ms(request.data_set_ms);
  if (!request.has) return;
  record.set_has_list(true);
  record.set_version_number(request.has->number);
  record.set_version_epoch(request.has->epoch.value);
}

// One that was not listed there was refused, or has left: it enters again when it says so.
PresenceRequest PresenceSession::restored_request(const proto::PresenceRecord& record) {
  PresenceRequest request{.wish = PresenceWish::Nothing,
                          .enters = record.is_listed(),
                          .data = record.data(),
                          .data_set_ms = record.data_set_ms(),
                          .has = {}};
  const bool is_wish_known = record.wants() <= static_cast<std::uint32_t>(PresenceWish::Counts);
  if (is_wish_known) request.wish = static_cast<PresenceWish>(record.wants());
  if (record.has_list()) {
    request.has = PresenceVersion{record.version_number(), Epoch{record.version_epoch()}};
  }
  return request;
}

}  // namespace tako::edge
