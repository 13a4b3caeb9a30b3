// Sets, reads and prints configuration values.
#include "common/config/value.h"

#include <charconv>
#include <optional>

namespace tako::config {
namespace {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return value;
}

std::string print(const Value& value) {
  return std::visit(
      Overload{[](const std::string& text) { return toml_string(text); },
               [](std::int64_t number) { return std::to_string(number); },
               [](const std::vector<std::string>&) { return std::string("a list of texts"); },
               [](const std::vector<std::int64_t>&) { return std::string("a list of integers"); }},
      value);
}

std::unexpected<std::string> unexpected_value(Kind kind, const Rule& rule, const Value& value) {
  return std::unexpected("expected " + expectation(kind, rule) + ", got " + print(value));
}

std::expected<void, std::string> check_text(const Rule& rule, const std::string& text) {
  if (rule.check == nullptr) return {};
  const std::string expected = rule.check(text);
  if (expected.empty()) return {};
  return std::unexpected("expected " + expected + ", got " + toml_string(text));
}

template <typename Number>
std::expected<void, std::string> set_number(Number& slot, const Rule& rule, const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < rule.min || *number > rule.max) {
    return unexpected_value(Kind::Integer, rule, value);
  }
  slot = static_cast<Number>(*number);
  return {};
}

std::expected<void, std::string> set_text(std::string& slot, const Rule& rule, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return unexpected_value(Kind::Text, rule, value);
  if (auto checked = check_text(rule, *text); !checked) return checked;
  slot = *text;
  return {};
}

std::expected<void, std::string> set_texts(std::vector<std::string>& slot, const Rule& rule,
                                           const Value& value) {
  const auto* texts = std::get_if<std::vector<std::string>>(&value);
  if (texts == nullptr) return unexpected_value(Kind::TextList, rule, value);
  for (const std::string& text : *texts) {
    if (auto checked = check_text(rule, text); !checked) return checked;
  }
  slot = *texts;
  return {};
}

std::expected<void, std::string> set_numbers(std::vector<std::uint32_t>& slot, const Rule& rule,
                                             const Value& value) {
  const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value);
  if (numbers == nullptr) return unexpected_value(Kind::IntegerList, rule, value);
  std::vector<std::uint32_t> checked;
  for (const std::int64_t number : *numbers) {
    std::uint32_t narrow = 0;
    if (auto set = set_number(narrow, rule, Value(number)); !set) return set;
    checked.push_back(narrow);
  }
  slot = std::move(checked);
  return {};
}

template <typename List, typename Print>
std::string print_list(const List& list, Print print_one) {
  std::string out = "[";
  for (const auto& element : list) {
    if (out.size() > 1) out += ", ";
    out += print_one(element);
  }
  return out + "]";
}

}  // namespace

Kind kind_of(const Slot& slot) {
  return std::visit(
      Overload{[](std::string*) { return Kind::Text; }, [](std::int64_t*) { return Kind::Integer; },
               [](std::size_t*) { return Kind::Integer; },
               [](std::vector<std::string>*) { return Kind::TextList; },
               [](std::vector<std::uint32_t>*) { return Kind::IntegerList; }},
      slot);
}

std::expected<void, std::string> set(const Slot& slot, const Rule& rule, const Value& value) {
  return std::visit(
      Overload{
          [&](std::string* text) { return set_text(*text, rule, value); },
          [&](std::int64_t* number) { return set_number(*number, rule, value); },
          [&](std::size_t* number) { return set_number(*number, rule, value); },
          [&](std::vector<std::string>* texts) { return set_texts(*texts, rule, value); },
          [&](std::vector<std::uint32_t>* numbers) { return set_numbers(*numbers, rule, value); }},
      slot);
}

std::expected<Value, std::string> parse_value(std::span<const std::string> texts, Kind kind) {
  if (kind == Kind::TextList) return std::vector<std::string>(texts.begin(), texts.end());
  if (kind == Kind::IntegerList) {
    std::vector<std::int64_t> numbers;
    for (const std::string& text : texts) {
      const auto number = parse_integer(text);
      if (!number) return std::unexpected("expected integers, got " + toml_string(text));
      numbers.push_back(*number);
    }
    return numbers;
  }
  if (texts.size() != 1) return std::unexpected(std::string("expected one value"));
  if (kind == Kind::Text) return texts.front();
  const auto number = parse_integer(texts.front());
  if (number) return *number;
  return texts.front();  // set() then says which integers it takes
}

std::string expectation(Kind kind, const Rule& rule) {
  const std::string range = " from " + std::to_string(rule.min) + " to " + std::to_string(rule.max);
  switch (kind) {
    case Kind::Text:
      return "a text";
    case Kind::TextList:
      return "a list of texts";
    case Kind::IntegerList:
      return "a list of integers" + range;
    case Kind::Integer:
      break;
  }
  return "an integer" + range;
}

std::string to_toml(const Slot& slot) {
  return std::visit(Overload{[](const std::string* text) { return toml_string(*text); },
                             [](const std::int64_t* number) { return std::to_string(*number); },
                             [](const std::size_t* number) { return std::to_string(*number); },
                             [](const std::vector<std::string>* texts) {
                               return print_list(*texts, [](const std::string& text) {
                                 return toml_string(text);
                               });
                             },
                             [](const std::vector<std::uint32_t>* numbers) {
                               return print_list(*numbers, [](std::uint32_t number) {
                                 return std::to_string(number);
                               });
                             }},
                    slot);
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += "0123456789abcdef"[byte >> 4U];
      out += "0123456789abcdef"[byte & 0xfU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace tako::config
