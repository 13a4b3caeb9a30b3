// takoctl: publishes, follows and lists channels from a shell; reads the log's files.
#include <iostream>

#include "broker/takoctl/command_line.h"

int main(int argc, char** argv) {
  return tako::takoctl::run({argv + 1, argv + argc}, {.out = std::cout, .errors = std::cerr});
}
