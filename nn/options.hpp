// The enumeration tags of options structs.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "../autograd/arg.hpp"

namespace reel {

/// One empty type per tag, so that an option lists in its type the tags that it takes.
namespace enumtype {
#define REEL_ENUM(tag)                            \
  struct k##tag {                                 \
    static constexpr const char* name = "k" #tag; \
  }
REEL_ENUM(None);
REEL_ENUM(Mean);
REEL_ENUM(Sum);
REEL_ENUM(FanIn);
REEL_ENUM(FanOut);
REEL_ENUM(Linear);
REEL_ENUM(Conv1D);
REEL_ENUM(Conv2D);
REEL_ENUM(Conv3D);
REEL_ENUM(ConvTranspose1D);
REEL_ENUM(ConvTranspose2D);
REEL_ENUM(ConvTranspose3D);
REEL_ENUM(Sigmoid);
REEL_ENUM(Tanh);
REEL_ENUM(ReLU);
REEL_ENUM(LeakyReLU);
#undef REEL_ENUM

/// The name of the tag that `value` holds, e.g. "kMean".
template <class... Tags>
std::string get_enum_name(const std::variant<Tags...>& value) {
  return std::visit([](const auto& tag) { return std::string(tag.name); }, value);
}
}  // namespace enumtype

inline constexpr enumtype::kNone kNone{};
inline constexpr enumtype::kMean kMean{};
inline constexpr enumtype::kSum kSum{};
inline constexpr enumtype::kFanIn kFanIn{};
inline constexpr enumtype::kFanOut kFanOut{};
inline constexpr enumtype::kLinear kLinear{};
inline constexpr enumtype::kConv1D kConv1D{};
inline constexpr enumtype::kConv2D kConv2D{};
inline constexpr enumtype::kConv3D kConv3D{};
inline constexpr enumtype::kConvTranspose1D kConvTranspose1D{};
inline constexpr enumtype::kConvTranspose2D kConvTranspose2D{};
inline constexpr enumtype::kConvTranspose3D kConvTranspose3D{};
inline constexpr enumtype::kSigmoid kSigmoid{};
inline constexpr enumtype::kTanh kTanh{};
inline constexpr enumtype::kReLU kReLU{};
inline constexpr enumtype::kLeakyReLU kLeakyReLU{};

}  // namespace reel
