// The commands that are one request each.
#include "broker/takoctl/commands.h"

#include <fstream>
#include <optional>
#include <ostream>
#include <sstream>
#include <utility>
#include <vector>

#include "broker/inspect/json_line.h"
#include "broker/takoctl/reply.h"
#include "broker/takoctl/table.h"
#include "common/channel_name.h"
#include "common/json_text.h"

namespace tako::takoctl {
namespace {

// The body of a 2xx, or nothing, and then `exit_code` says why.
struct Outcome {
  bool is_ok = false;
  int exit_code = kExitOk;
  std::string body;
};

Outcome ask(ApiClient& client, const ApiCall& call, Terminal terminal) {
  auto reply = client.call(call);
  if (!reply) return {.exit_code = report_nobody(reply.error(), terminal), .body = {}};
  if (reply->status >= 300) return {.exit_code = report_refusal(*reply, terminal), .body = {}};
  return {.is_ok = true, .body = std::move(reply->body)};
}

int print_answer(ApiClient& client, const ApiCall& call, Terminal terminal) {
  const Outcome outcome = ask(client, call, terminal);
  if (outcome.is_ok) terminal.out << outcome.body << '\n';
  return outcome.exit_code;
}

int report_usage(const std::string& problem, Terminal terminal) {
  terminal.errors << "takoctl: " << problem << '\n';
  return kExitUsage;
}

std::string cell(const std::vector<JsonMember>& members, std::string_view name) {
  const JsonMember* member = find_member(members, name);
  if (member == nullptr) return "";
  return printable(json_string_value(member->raw).value_or(std::string(member->raw)));
}

using Rows = std::vector<std::vector<std::string>>;

// The time as people read it.
std::string time_cell(const std::vector<JsonMember>& fields, std::string_view name) {
  const JsonMember* member = find_member(fields, name);
  const auto time_ms = member == nullptr ? std::nullopt : json_integer_value(member->raw);
  return time_ms ? broker::utc_time(*time_ms) : "";
}

// One page's rows, of the objects of its array `list`; the `next` cursor, "" at the end.
template <typename ToRow>
std::string append_rows(const std::string& page, std::string_view list, Rows& rows, ToRow to_row) {
  const auto members = split_json_object(page);
  const JsonMember* array = members ? find_member(*members, list) : nullptr;
  if (array == nullptr) return "";
  const auto elements = split_json_array(array->raw, page.size());
  if (!elements) return "";
  for (const std::string_view element : *elements) {
    if (const auto fields = split_json_object(element)) rows.push_back(to_row(*fields));
  }
  const JsonMember* next = find_member(*members, "next");
  return next == nullptr ? "" : json_string_value(next->raw).value_or("");
}

// "connections 12, subjects 9, version 7-0a3f9k2m"
std::string counts_line(const std::string& page) {
  const auto members = split_json_object(page);
  if (!members) return "";
  return "connections " + cell(*members, "connections") + ", subjects " +
         cell(*members, "subjects") + ", version " + cell(*members, "version");
}

}  // namespace

int run_publish(ApiClient& client, const ChannelRef& channel, const PublishWords& words,
                const std::string& idempotency_key, Terminal terminal) {
  const auto target = channel_target(channel, "messages");
  if (!target) return report_usage(target.error(), terminal);
  auto body = publish_body(words);
  if (!body) return report_usage(body.error(), terminal);
  ApiCall call{.method = "POST", .target = *target, .body = std::move(*body)};
  if (!idempotency_key.empty()) call.headers["Idempotency-Key"] = idempotency_key;
  return print_answer(client, call, terminal);
}

int run_channels(ApiClient& client, bool as_json, Terminal terminal) {
  Rows rows{{"CHANNEL", "PARAMS", "SUBSCRIBERS", "MESSAGES"}};
  const auto to_row = [](const std::vector<JsonMember>& fields) -> std::vector<std::string> {
    return {cell(fields, "channel"), cell(fields, "params"), cell(fields, "subscribers"),
            cell(fields, "messages")};
  };
  std::string after;
  do {
    const std::string query = after.empty() ? "" : "?_after=" + percent_encode(after);
    const Outcome page = ask(client, {.target = "/v1/channels" + query}, terminal);
    if (!page.is_ok) return page.exit_code;
    after = append_rows(page.body, "channels", rows, to_row);
    if (as_json) terminal.out << page.body << '\n';
  } while (!after.empty());
  if (!as_json) terminal.out << print_table(rows);
  return kExitOk;
}

int run_definitions(ApiClient& client, Terminal terminal) {
  return print_answer(client, {.target = "/v1/definitions"}, terminal);
}

int run_put_definitions(ApiClient& client, const std::string& file, Terminal terminal) {
  std::ifstream input(file, std::ios::binary);
  std::ostringstream text;
  if (input) text << input.rdbuf();
  if (!input || text.bad()) return report_usage(file + ": can't be read", terminal);
  return print_answer(client, {.method = "PUT", .target = "/v1/definitions", .body = text.str()},
                      terminal);
}

int run_presence(ApiClient& client, const ChannelRef& channel, bool as_json, Terminal terminal) {
  const auto target = channel_target(channel, "presence");
  if (!target) return report_usage(target.error(), terminal);
  const std::string separator = channel.params.empty() ? "?" : "&";
  Rows rows{{"SUBJECT", "SINCE", "INFO", "DATA"}};
  const auto to_row = [](const std::vector<JsonMember>& fields) -> std::vector<std::string> {
    return {cell(fields, "subject"), time_cell(fields, "since"), cell(fields, "info"),
            cell(fields, "data")};
  };
  std::string after;
  std::string counts;
  do {
    const std::string behind = after.empty() ? "" : "&_after=" + percent_encode(after);
    const Outcome page =
        ask(client, {.target = *target + separator + "_limit=1000" + behind}, terminal);
    if (!page.is_ok) return page.exit_code;
    after = append_rows(page.body, "members", rows, to_row);
    counts = counts_line(page.body);
    if (as_json) terminal.out << page.body << '\n';
  } while (!after.empty());
  if (!as_json) terminal.out << print_table(rows) << counts << '\n';
  return kExitOk;
}

int run_disconnect(ApiClient& client, const DisconnectWords& words, Terminal terminal) {
  auto body = disconnect_body(words);
  if (!body) return report_usage(body.error(), terminal);
  return print_answer(
      client, {.method = "POST", .target = disconnect_target(words), .body = std::move(*body)},
      terminal);
}

int run_stats(ApiClient& client, Terminal terminal) {
  return print_answer(client, {.target = "/v1/stats"}, terminal);
}

}  // namespace tako::takoctl
