#include "error.hpp"

#include <sstream>

namespace reel::detail {

void Piece::print_text(std::ostream& out, const void* text) {
  out << static_cast<const char*>(text);
}

std::string joined(std::initializer_list<Piece> pieces) {
  std::ostringstream out;
  for (const Piece& piece : pieces) piece.print(out);
  return out.str();
}

}  // namespace reel::detail
