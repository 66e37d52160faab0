#include "error.hpp"

namespace reel::detail {

void Part::print_text(std::ostream& out, const void* text) {
  out << static_cast<const char*>(text);
}

std::string joined(std::initializer_list<Part> parts) {
  std::ostringstream out;
  for (const Part& part : parts) part.print(out);
  return out.str();
}

}  // namespace reel::detail
