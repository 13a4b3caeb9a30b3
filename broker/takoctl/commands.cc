// The commands that are one request each.
#include "broker/takoctl/commands.h"

#include <fstream>
#include <ostream>
#include <sstream>

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

// One page's rows; the `next` cursor, "" at the end.
std::string append_rows(const std::string& page, std::vector<std::vector<std::string>>& rows) {
  const auto members = split_json_object(page);
  const JsonMember* list = members ? find_member(*members, "channels") : nullptr;
  if (list == nullptr) return "";
  const auto channels = split_json_array(list->raw, page.size());
  if (!channels) return "";
  for (const std::string_view channel : *channels) {
    const auto fields = split_json_object(channel);
    if (!fields) continue;
    rows.push_back({cell(*fields, "channel"), cell(*fields, "params"), cell(*fields, "subscribers"),
                    cell(*fields, "messages")});
  }
  const JsonMember* next = find_member(*members, "next");
  return next == nullptr ? "" : json_string_value(next->raw).value_or("");
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
  std::vector<std::vector<std::string>> rows{{"CHANNEL", "PARAMS", "SUBSCRIBERS", "MESSAGES"}};
  std::string after;
  do {
    const std::string query = after.empty() ? "" : "?_after=" + percent_encode(after);
    const Outcome page = ask(client, {.target = "/v1/channels" + query}, terminal);
    if (!page.is_ok) return page.exit_code;
    after = append_rows(page.body, rows);
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

int run_presence(ApiClient& client, const ChannelRef& channel, Terminal terminal) {
  const auto target = channel_target(channel, "presence");
  if (!target) return report_usage(target.error(), terminal);
  return print_answer(client, {.target = *target}, terminal);
}

int run_stats(ApiClient& client, Terminal terminal) {
  return print_answer(client, {.target = "/v1/stats"}, terminal);
}

}  // namespace tako::takoctl
