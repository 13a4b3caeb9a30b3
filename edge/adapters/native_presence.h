// The route …/<name>/presence: a page of a channel's members, as the broker has them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "edge/adapters/native_messages.h"

namespace tako::edge {

class PresencePageRequest final : public AdmittedRequest {
 public:
  PresencePageRequest(EdgeServices& services, NativeRequests& owner,
                      std::shared_ptr<const ClientRequest> request, HttpExchange& exchange,
                      std::string name)
      : AdmittedRequest(services, owner, std::move(request), exchange, std::move(name),
                        Operation::Presence) {}

 private:
  Result<void> check(const Definition& definition) override;
  void on_admitted(const ChannelTarget& target, const Grant& grant) override;
  void on_answer(const Result<ApiAnswer>& answer);
};

// The app API's route of the same page, with the page's options of the query.
[[nodiscard]] std::string presence_target(const ChannelIdentity& channel,
                                          std::string_view raw_query);

}  // namespace tako::edge
