// The order in which the parts hear of the broker.
#include "edge/session/broker_events.h"

#include <utility>

namespace tako::edge {

void EdgeBrokerEvents::on_link_up() {
  hub_.on_link_up();
  presence_.on_link_up();
  gate_.on_link_up();  // Those who waited find the hub on its feet.
}

void EdgeBrokerEvents::on_definitions(std::string_view app,
                                      std::shared_ptr<const DefinitionSet> definitions) {
  authorizer_.forget_app(app);
  definitions_.on_definitions(app, std::move(definitions));
}

void EdgeBrokerEvents::tick() {
  gate_.tick();
  hub_.tick();
  presence_.tick();
  revocations_.tick();
}

}  // namespace tako::edge
