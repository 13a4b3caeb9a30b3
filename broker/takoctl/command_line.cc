// CLI11's description of takoctl.
#include "broker/takoctl/command_line.h"

#include <CLI/CLI.hpp>
#include <ostream>
#include <thread>

#include "broker/takoctl/log_commands.h"
#include "broker/takoctl/tail.h"
#include "common/clock.h"
#include "common/config/config.h"
#include "common/config/version.h"

namespace tako::takoctl {
namespace {

// What CLI11 writes into.
struct Words {
  std::string app_socket = config::BrokerConfig{}.app_socket;
  std::string app;
  ChannelRef channel;
  PublishWords message;
  DisconnectWords disconnect;
  bool is_text = false;
  bool is_base64 = false;
  std::string idempotency_key;
  std::string after;
  bool as_json = false;
  std::string file;
  LogWords log;
  bool shows_version = false;
};

struct Commands {
  CLI::App* publish = nullptr;
  CLI::App* tail = nullptr;
  CLI::App* channels = nullptr;
  CLI::App* definitions = nullptr;
  CLI::App* put_definitions = nullptr;
  CLI::App* presence = nullptr;
  CLI::App* disconnect = nullptr;
  CLI::App* stats = nullptr;
  CLI::App* log = nullptr;
  CLI::App* log_check = nullptr;
  CLI::App* log_stats = nullptr;
};

void add_channel(CLI::App& command, Words& words) {
  command.add_option("channel", words.channel.name, "the channel's name")->required();
  command.add_option("--param", words.channel.params, "NAME=VALUE; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->take_all();
}

CLI::App* add_publish(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("publish", "publishes one message, prints it as stored");
  add_channel(*command, words);
  command->add_option("type", words.message.type, "the message's type")->required();
  command->add_option("data", words.message.data, "JSON, unless --text or --base64")->required();
  CLI::Option* text = command->add_flag("--text", words.is_text, "the data is a text");
  command->add_flag("--base64", words.is_base64, "the data is base64 of bytes")->excludes(text);
  command->add_flag("--ephemeral", words.message.is_ephemeral, "delivered live, stored nowhere");
  command->add_option("--idempotency-key", words.idempotency_key, "a repeat stores nothing new")
      ->type_name("KEY");
  return command;
}

CLI::App* add_disconnect(CLI::App& app, DisconnectWords& words) {
  CLI::App* command =
      app.add_subcommand("disconnect", "takes back what a subject is permitted, on every edge");
  command->add_option("subject", words.subject, "as the app names it")->required();
  command->add_option("--channel", words.channel.name, "on this channel only; all of the name")
      ->type_name("NAME");
  command->add_option("--param", words.channel.params, "with --channel: NAME=VALUE; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->take_all();
  CLI::Option* ban = command
                         ->add_option("--ban", words.ban,
                                      "refuse the subject for so long (90s, 10m, 2h); 0 lifts it")
                         ->type_name("TIME");
  command->add_flag("--reauthorize", words.reauthorizes, "ask the app again instead")
      ->excludes(ban);
  command->add_option("--reason", words.reason, "told to the client")->type_name("TEXT");
  return command;
}

void add_log(CLI::App& app, Words& words, Commands& commands) {
  LogWords& log = words.log;
  commands.log = app.add_subcommand("log", "reads the files of a broker's log");
  commands.log->require_subcommand(1);
  commands.log
      ->add_option("--data-dir", log.data_dir,
                   "the broker's folder [" + config::BrokerConfig{}.data_dir + "]")
      ->envname("TAKO_DATA_DIR")
      ->type_name("DIR");
  commands.log->add_option("--config", log.config_file, "the broker's TOML file")
      ->envname("TAKO_CONFIG")
      ->type_name("FILE");
  commands.log_check =
      commands.log->add_subcommand("check", "looks at every record; ends with 1 for damage");
  commands.log_check->add_flag("--json", words.as_json, "as one JSON object");
  commands.log_stats = commands.log->add_subcommand("stats", "how much is in the log");
  commands.log_stats->add_flag("--json", words.as_json, "as one JSON object");
  commands.log_stats->add_flag("--channels", log.lists_channels, "channel by channel, too");
  CLI::App* dump = commands.log->add_subcommand("dump", "prints messages as JSON lines");
  dump->add_option("--channel", log.channel, "a name, or one channel: name?param=value");
  CLI::Option* after =
      dump->add_option("--after", log.after, "of one channel, begin behind this id")
          ->type_name("ID");
  dump->add_option("--limit", log.limit, "no more lines than this")->check(CLI::PositiveNumber);
  dump->add_flag("--raw", log.is_raw, "every record in the files, and where")->excludes(after);
  for (CLI::App* command : {commands.log, commands.log_check, commands.log_stats, dump}) {
    command->fallthrough();
  }
}

Commands build(CLI::App& app, Words& words) {
  app.add_option("--app-socket", words.app_socket, "unix socket of the broker's app API")
      ->envname("TAKO_APP_SOCKET")
      ->type_name("PATH")
      ->capture_default_str();
  app.add_option("--app", words.app, "which app, when the broker has several")
      ->envname("TAKO_APP")
      ->type_name("ID");
  app.add_flag("--version", words.shows_version, "prints the version, and ends");
  app.require_subcommand(0, 1);

  Commands commands;
  commands.publish = add_publish(app, words);
  commands.tail = app.add_subcommand("tail", "prints a channel's messages as they come");
  add_channel(*commands.tail, words);
  commands.tail->add_option("--after", words.after, "begin behind this id; 0: all retained")
      ->type_name("CURSOR");
  commands.channels = app.add_subcommand("channels", "lists the channels that are in use");
  commands.channels->add_flag("--json", words.as_json, "as the API gives it, a page per line");
  commands.definitions = app.add_subcommand("definitions", "prints the definitions");
  commands.put_definitions =
      commands.definitions->add_subcommand("put", "replaces them by those of a file");
  commands.put_definitions->add_option("file", words.file, "{\"definitions\":[…]}")->required();
  commands.presence = app.add_subcommand("presence", "lists who is in a channel");
  add_channel(*commands.presence, words);
  commands.presence->add_flag("--json", words.as_json, "as the API gives it, a page per line");
  commands.disconnect = add_disconnect(app, words.disconnect);
  commands.stats = app.add_subcommand("stats", "prints the app's numbers");
  add_log(app, words, commands);
  return commands;
}

bool sleep_before_reconnect(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
  return true;
}

int run_log(const Commands& commands, Words& words, Terminal terminal) {
  words.log.app = words.app;
  words.log.as_json = words.as_json;
  if (commands.log_check->parsed()) return run_log_check(words.log, terminal);
  const std::int64_t now_ms = SystemClock().wall_ms();
  if (commands.log_stats->parsed()) return run_log_stats(words.log, now_ms, terminal);
  return run_log_dump(words.log, now_ms, terminal);
}

int run_command(const Commands& commands, Words& words, Terminal terminal) {
  if (commands.log->parsed()) return run_log(commands, words, terminal);
  ApiClient client(words.app_socket, words.app);
  if (commands.publish->parsed()) {
    if (words.is_text) words.message.form = DataForm::Text;
    if (words.is_base64) words.message.form = DataForm::Base64;
    return run_publish(client, words.channel, words.message, words.idempotency_key, terminal);
  }
  if (commands.tail->parsed()) {
    return run_tail(
        client, {.channel = words.channel, .after = words.after, .wait = sleep_before_reconnect},
        terminal);
  }
  if (commands.channels->parsed()) return run_channels(client, words.as_json, terminal);
  if (commands.put_definitions->parsed()) {
    return run_put_definitions(client, words.file, terminal);
  }
  if (commands.definitions->parsed()) return run_definitions(client, terminal);
  if (commands.presence->parsed()) {
    return run_presence(client, words.channel, words.as_json, terminal);
  }
  if (commands.disconnect->parsed()) return run_disconnect(client, words.disconnect, terminal);
  return run_stats(client, terminal);
}

}  // namespace

int run(const std::vector<std::string>& arguments, Terminal terminal) {
  CLI::App app("Speaks to the app API of a tako-broker on this machine, and reads its log.",
               "takoctl");
  Words words;
  const Commands commands = build(app, words);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    terminal.out << app.help();
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    terminal.errors << "takoctl: " << error.what() << " (--help lists all)\n";
    return kExitUsage;
  }
  if (words.shows_version) {
    terminal.out << "takoctl " << config::version_text() << '\n';
    return kExitOk;
  }
  if (app.get_subcommands().empty()) {
    terminal.errors << app.help();
    return kExitUsage;
  }
  return run_command(commands, words, terminal);
}

}  // namespace tako::takoctl
