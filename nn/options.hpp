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
REEL_ENUM(BatchMean);
REEL_ENUM(Max);
REEL_ENUM(Zeros);
REEL_ENUM(Constant);
REEL_ENUM(Reflect);
REEL_ENUM(Replicate);
REEL_ENUM(Circular);
REEL_ENUM(Valid);
REEL_ENUM(Same);
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
/// The sum, divided by the first dimension.
inline constexpr enumtype::kBatchMean kBatchMean{};
inline constexpr enumtype::kMax kMax{};
inline constexpr enumtype::kZeros kZeros{};
inline constexpr enumtype::kConstant kConstant{};
inline constexpr enumtype::kReflect kReflect{};
inline constexpr enumtype::kReplicate kReplicate{};
inline constexpr enumtype::kCircular kCircular{};
inline constexpr enumtype::kValid kValid{};
inline constexpr enumtype::kSame kSame{};
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
