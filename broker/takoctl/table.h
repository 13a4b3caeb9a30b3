// Prints rows in columns for people.
#pragma once

#include <string>
#include <vector>

namespace tako::takoctl {

// The first row is the head. Columns are as wide as their widest cell, in characters.
[[nodiscard]] std::string print_table(const std::vector<std::vector<std::string>>& rows);

// Control characters would act on the terminal; they are shown as \xNN.
[[nodiscard]] std::string printable(const std::string& text);

}  // namespace tako::takoctl
