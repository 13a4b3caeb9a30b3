// Publishes many messages of an app by one call.
#include <optional>
#include <utility>

#include "broker/api/answer.h"
#include "broker/api/message_body.h"
#include "broker/api/publish.h"

namespace tako::broker {

// The entries in order: a request to publish, or why it is none.
struct PublishApi::Batch {
  std::vector<Result<PublishRequest>> entries;
  bool is_atomic = false;
  std::optional<AckKind> ack;
};

namespace {

std::unexpected<Error> invalid(std::string why) {
  return fail(ErrorCode::BatchInvalid, std::move(why));
}

std::string where(std::size_t index) { return "messages[" + std::to_string(index) + "]: "; }

// `names`: of the channels, by position.
std::string print_results(const std::vector<Result<Published>>& results,
                          const std::vector<std::string>& names, std::string_view ack) {
  std::string out = R"({"results":[)";
  for (std::size_t index = 0; index < results.size(); ++index) {
    if (index > 0) out += ',';
    if (results[index]) {
      append_published(out, *results[index], names[index]);
    } else {
      out += error_json(results[index].error());
    }
  }
  return out + R"(],"ack":")" + std::string(ack) + R"("})";
}

struct BatchMembers {
  std::string_view messages;
  bool is_atomic = false;
  std::optional<AckKind> ack = {};
};

Result<BatchMembers> read_members(const std::vector<JsonMember>& members) {
  BatchMembers batch;
  for (const JsonMember& member : members) {
    if (member.name == "messages") {
      batch.messages = member.raw;
    } else if (member.name == "ack") {
      const auto ack = parse_ack(member.raw);
      if (!ack) return invalid(std::string(ack.error().message()));
      batch.ack = *ack;
    } else if (member.name != "atomic") {
      return invalid("unknown member '" + member.name + "'");
    } else if (const auto flag = json_bool_value(member.raw); flag) {
      batch.is_atomic = *flag;
    } else {
      return invalid("atomic must be true or false");
    }
  }
  if (!batch.messages.starts_with('[')) return invalid("messages must be an array");
  return batch;
}

}  // namespace

Result<PublishRequest> PublishApi::parse_entry(std::string_view json, const ApiRequest& request,
                                               const RuntimeLimits& limits) {
  auto body = parse_message_body(json, MessageForm::BatchEntry);
  if (!body) {
    count_limit(body.error(), counters_);
    return std::unexpected(body.error());
  }
  if (auto checked = check_size(body->draft, limits); !checked) {
    return std::unexpected(checked.error());
  }
  auto channel = definitions_.resolve_json(request.app, body->channel, body->params_json);
  if (!channel) return std::unexpected(channel.error());
  return PublishRequest{.channel = std::move(*channel),
                        .message = std::move(body->draft),
                        .ephemeral = body->ephemeral,
                        .publisher = PublisherKind::App};
}

Result<PublishApi::Batch> PublishApi::parse_batch(const ApiRequest& request,
                                                  const RuntimeLimits& limits) {
  const auto members = split_json_object(request.body);
  if (!members) {
    count_limit(members.error(), counters_);
    return invalid(std::string(members.error().message()));
  }
  const auto read = read_members(*members);
  if (!read) return std::unexpected(read.error());
  // The text is checked by now: what can still be wrong is the count.
  const auto entries = split_json_array(read->messages, limits.batch_messages_max);
  if (!entries) {
    ++counters_.batch_messages_max;
    return invalid("more than " + std::to_string(limits.batch_messages_max) + " messages");
  }
  if (!read->is_atomic && !request.idempotency_key.empty()) {
    return invalid("Idempotency-Key is for an atomic batch; else give each message its own");
  }
  Batch batch{.entries = {}, .is_atomic = read->is_atomic, .ack = read->ack};
  for (const std::string_view entry : *entries) {
    batch.entries.push_back(parse_entry(entry, request, limits));
    if (batch.entries.back()) batch.entries.back()->ack = batch.ack;
  }
  return batch;
}

void PublishApi::publish_batch(const ApiRequest& request, const RuntimeLimits& limits,
                               OnApiAnswer on_answer) {
  auto batch = parse_batch(request, limits);
  if (!batch) {
    on_answer(error_answer(std::move(batch.error())));
  } else if (batch->is_atomic) {
    publish_atomic(std::move(*batch), request, std::move(on_answer));
  } else {
    publish_entries(std::move(*batch), request, std::move(on_answer));
  }
}

void PublishApi::publish_entries(Batch batch, const ApiRequest& request, OnApiAnswer on_answer) {
  std::vector<PublishRequest> requests;
  std::vector<std::string> names(batch.entries.size());
  std::vector<std::size_t> places;  // of each request among the entries
  std::vector<Result<Published>> results(batch.entries.size());
  for (std::size_t index = 0; index < batch.entries.size(); ++index) {
    Result<PublishRequest>& entry = batch.entries[index];
    if (!entry) {
      results[index] = std::unexpected(std::move(entry.error()));
      continue;
    }
    names[index] = entry->channel.name;
    places.push_back(index);
    requests.push_back(std::move(*entry));
  }
  publisher_.publish_each(
      std::move(requests),
      [names = std::move(names), places = std::move(places), results = std::move(results),
       ack = to_string(publisher_.ack(request.app, batch.ack)),
       on_answer = std::move(on_answer)](std::vector<Result<Published>> published) mutable {
        for (std::size_t index = 0; index < published.size(); ++index) {
          results[places[index]] = std::move(published[index]);
        }
        on_answer(json_answer(200, print_results(results, names, ack)));
      });
}

void PublishApi::publish_atomic(Batch batch, const ApiRequest& request, OnApiAnswer on_answer) {
  std::vector<PublishRequest> requests;
  std::vector<std::string> names;
  for (std::size_t index = 0; index < batch.entries.size(); ++index) {
    Result<PublishRequest>& entry = batch.entries[index];
    if (!entry) {
      entry.error().detail = where(index) + std::string(entry.error().message());
      on_answer(error_answer(std::move(entry.error())));
      return;
    }
    names.push_back(entry->channel.name);
    requests.push_back(std::move(*entry));
  }
  publisher_.publish_atomic(
      std::move(requests), request.idempotency_key,
      [names = std::move(names), ack = to_string(publisher_.ack(request.app, batch.ack)),
       on_answer = std::move(on_answer)](std::vector<Result<Published>> results) {
        // All or none: the first's error is everyone's.
        if (!results.empty() && !results.front()) {
          on_answer(error_answer(std::move(results.front().error())));
          return;
        }
        on_answer(json_answer(200, print_results(results, names, ack)));
      });
}

}  // namespace tako::broker
