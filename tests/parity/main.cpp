// Runs the programs whose names are given, or all, each behind a line "== name".
#include <cstring>

#include "support.hpp"

int main(int argc, char** argv) {
  torch::set_num_threads(1);
  int ran = 0;
  for (const auto& [name, program] : parity::programs()) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || name == argv[i];
    if (!wanted) continue;
    std::printf("== %s\n", name.c_str());
    program();
    ++ran;
  }
  if (ran == 0) std::fprintf(stderr, "no such program\n");
  return ran == 0 ? 1 : 0;
}
