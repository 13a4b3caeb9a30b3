// PresenceWords: what an edge says of presence to a fake broker, as texts that tests compare.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/fanout/broker_port.h"

namespace tako::edge::testing {

class PresenceWords {
 public:
  void open(ChannelNumber number, const std::string& key, const PresenceReport& report,
            const std::optional<PresenceVersion>& has) {
    open_[number] = key;
    std::string text = "open " + key + " " + std::to_string(report.connections);
    if (report.wants_list) text += " list";
    if (report.wants_counts) text += " counts";
    if (has) text += " has " + std::to_string(has->number);
    said_.push_back(std::move(text));
  }
  void close(ChannelNumber number) {
    said_.push_back("close " + open_[number]);
    open_.erase(number);
  }
  void session(ChannelNumber number, std::uint64_t session, const PresenceListing& listing) {
    sessions_[session] = listing.subject;
    std::string text = "session " + open_[number] + " " + std::string(listing.subject);
    if (!listing.info.empty()) text += " info " + std::string(listing.info);
    if (!listing.data.empty()) text += " data " + std::string(listing.data);
    said_.push_back(std::move(text));
    last_session_ = session;
  }
  void gone(ChannelNumber number, std::uint64_t session, PresenceEnd reason) {
    said_.push_back("gone " + open_[number] + " " + sessions_[session] + " " +
                    std::string(to_string(reason)));
  }
  void end_link() { open_.clear(); }

  // What was said since the last call.
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(said_, {}); }
  [[nodiscard]] std::optional<ChannelNumber> number_of(const std::string& key) const {
    for (const auto& [number, open_key] : open_) {
      if (open_key == key) return number;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::uint64_t last_session() const { return last_session_; }

 private:
  std::map<ChannelNumber, std::string> open_;
  std::map<std::uint64_t, std::string> sessions_;
  std::vector<std::string> said_;
  std::uint64_t last_session_ = 0;
};

}  // namespace tako::edge::testing
