// Prints errors with their hints.
#include "broker/takoctl/reply.h"

#include <ostream>

#include "broker/takoctl/table.h"
#include "common/json_text.h"

namespace tako::takoctl {
namespace {

std::string text_member(std::string_view object, std::string_view name) {
  const auto members = split_json_object(object);
  const JsonMember* member = members ? find_member(*members, name) : nullptr;
  if (member == nullptr) return "";
  return printable(json_string_value(member->raw).value_or(""));
}

}  // namespace

int report_refusal(const ApiReply& reply, Terminal terminal) {
  const auto members = split_json_object(reply.body);
  const JsonMember* error = members ? find_member(*members, "error") : nullptr;
  if (error == nullptr) {
    terminal.errors << "takoctl: the server answered " << reply.status << '\n';
    return kExitRefused;
  }
  terminal.errors << "takoctl: " << text_member(error->raw, "code") << ": "
                  << text_member(error->raw, "message") << '\n';
  const std::string hint = text_member(error->raw, "hint");
  if (!hint.empty()) terminal.errors << "  " << hint << '\n';
  return kExitRefused;
}

int report_nobody(const std::string& why, Terminal terminal) {
  terminal.errors << "takoctl: no broker answers on " << why << '\n'
                  << "  Start tako-broker, or name its socket with --app-socket.\n";
  return kExitNobodyThere;
}

}  // namespace tako::takoctl
