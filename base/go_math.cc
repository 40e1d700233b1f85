#include "base/go_math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>

namespace tsdb {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::bit_cast<double>(uint64_t{0x7ff8000000000001});
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

double Polynomial(std::span<const double> coefficients, double x) {
  double value = coefficients[0];
  for (const double c : coefficients.subspan(1)) value = value * x + c;
  return value;
}

// 4/pi in 64-bit digits, the first before the point.
constexpr uint64_t kFourByPi[] = {
    0x0000000000000001, 0x45f306dc9c882a53, 0xf84eafa3ea69bb81, 0xb6c52b3278872083,
    0xfca2c757bd778ac3, 0x6e48dc74849ba5c0, 0x0c925dd413a32439, 0xfc3bd63962534e7d,
    0xd1046bea5d768909, 0xd338e04d68befc82, 0x7323ac7306a673e9, 0x3908bf177bf25076,
    0x3ff12fffbc0b301f, 0xde5e2316b414da3e, 0xda6cfd9e4f96136e, 0x9e8c7ecd3cbfd45a,
    0xea4f758fd7cbe2f6, 0x7a0e73ef14a525d4, 0xd7f6bf623f1aba10, 0xac06608df8f6d757,
};

// An angle as a number of eighths of a circle, made even, and what is left in radians.
struct Octant {
  uint64_t index = 0;
  double rest = 0;
};

// Payne and Hanek: enough digits of 4/pi times the mantissa. REQUIRES: x >= 2^29.
Octant ReduceLarge(double x) {
  constexpr int kMantissaBits = 52;
  constexpr uint64_t kLeadingOne = uint64_t{1} << kMantissaBits;
  const auto bits = std::bit_cast<uint64_t>(x);
  const int exponent = static_cast<int>(bits >> kMantissaBits) - 1023 - kMantissaBits;
  const uint64_t mantissa = (bits & (kLeadingOne - 1)) | kLeadingOne;
  const auto place = static_cast<unsigned>(exponent + 61);
  const auto digit_at = [place](unsigned i) {
    const unsigned k = place / 64 + i;
    const unsigned shift = place % 64;
    return shift == 0 ? kFourByPi[k] : kFourByPi[k] << shift | kFourByPi[k + 1] >> (64 - shift);
  };
  using Wide = unsigned __int128;
  const uint64_t carried = static_cast<uint64_t>(Wide{digit_at(2)} * mantissa >> 64);
  const Wide product =
      (Wide{digit_at(0) * mantissa} << 64) + Wide{digit_at(1)} * mantissa + carried;
  Octant octant{static_cast<uint64_t>(product >> 125), 0};
  const auto high = static_cast<uint64_t>(product >> 61);
  const auto low = static_cast<uint64_t>(product);
  const int zeros = std::countl_zero(high);
  const auto fraction =
      static_cast<uint64_t>(((Wide{high} << 64 | low) << (zeros + 1)) >> (128 - kMantissaBits));
  octant.rest =
      std::bit_cast<double>(static_cast<uint64_t>(1023 - (zeros + 1)) << kMantissaBits | fraction);
  if ((octant.index & 1) != 0) {
    octant.index = (octant.index + 1) & 7;
    octant.rest -= 1;
  }
  octant.rest *= kPi / 4;
  return octant;
}

// REQUIRES: x >= 0 and finite.
Octant Reduce(double x) {
  // pi/4 in three parts, so that the first products are exact.
  constexpr double kPartA = 7.85398125648498535156e-1;
  constexpr double kPartB = 3.77489470793079817668e-8;
  constexpr double kPartC = 2.69515142907905952645e-15;
  if (x >= 0x1p29) return ReduceLarge(x);
  auto index = static_cast<uint64_t>(x * (4 / kPi));
  index += index & 1;
  const auto count = static_cast<double>(index);
  return {index & 7, ((x - count * kPartA) - count * kPartB) - count * kPartC};
}

double SineSeries(double z) {
  constexpr double kTerms[] = {1.58962301576546568060e-10, -2.50507477628578072866e-8,
                               2.75573136213857245213e-6,  -1.98412698295895385996e-4,
                               8.33333333332211858878e-3,  -1.66666666666666307295e-1};
  const double square = z * z;
  return z + z * square * Polynomial(kTerms, square);
}

double CosineSeries(double z) {
  constexpr double kTerms[] = {-1.13585365213876817300e-11, 2.08757008419747316778e-9,
                               -2.75573141792967388112e-7,  2.48015872888517045348e-5,
                               -1.38888888888730564116e-3,  4.16666666666665929218e-2};
  const double square = z * z;
  return 1.0 - 0.5 * square + square * square * Polynomial(kTerms, square);
}

// For x in [0, 0.66].
double ArcTangentSeries(double x) {
  constexpr double kAbove[] = {-8.750608600031904122785e-01, -1.615753718733365076637e+01,
                               -7.500855792314704667340e+01, -1.228866684490136173410e+02,
                               -6.485021904942025371773e+01};
  constexpr double kBelow[] = {1,
                               2.485846490142306297962e+01,
                               1.650270098316988542046e+02,
                               4.328810604912902668951e+02,
                               4.853903996359136964868e+02,
                               1.945506571482613964425e+02};
  const double square = x * x;
  return x * (square * Polynomial(kAbove, square) / Polynomial(kBelow, square)) + x;
}

// For x > 0.
double ArcTangent(double x) {
  constexpr double kMoreBits = 6.123233995736765886130e-17;  // of pi/2
  constexpr double kTangentOfThreeEighths = 2.41421356237309504880;
  if (x <= 0.66) return ArcTangentSeries(x);
  if (x > kTangentOfThreeEighths) return kPi / 2 - ArcTangentSeries(1 / x) + kMoreBits;
  return kPi / 4 + ArcTangentSeries((x - 1) / (x + 1)) + 0.5 * kMoreBits;
}

}  // namespace

double GoSin(double x) {
  if (x == 0 || std::isnan(x)) return x;
  if (std::isinf(x)) return kNan;
  Octant octant = Reduce(std::abs(x));
  bool negative = x < 0;
  if (octant.index > 3) {
    negative = !negative;
    octant.index -= 4;
  }
  const double y =
      octant.index == 1 || octant.index == 2 ? CosineSeries(octant.rest) : SineSeries(octant.rest);
  return negative ? -y : y;
}

double GoCos(double x) {
  if (!std::isfinite(x)) return kNan;
  Octant octant = Reduce(std::abs(x));
  bool negative = octant.index > 3;
  if (octant.index > 3) octant.index -= 4;
  if (octant.index > 1) negative = !negative;
  const double y =
      octant.index == 1 || octant.index == 2 ? SineSeries(octant.rest) : CosineSeries(octant.rest);
  return negative ? -y : y;
}

double GoTan(double x) {
  constexpr double kAbove[] = {-1.30936939181383777646e4, 1.15351664838587416140e6,
                               -1.79565251976484877988e7};
  constexpr double kBelow[] = {1, 1.36812963470692954678e4, -1.32089234440210967447e6,
                               2.50083801823357915839e7, -5.38695755929454629881e7};
  if (x == 0 || std::isnan(x)) return x;
  if (std::isinf(x)) return kNan;
  const Octant octant = Reduce(std::abs(x));
  const double z = octant.rest;
  const double square = z * z;
  double y = z;
  if (square > 1e-14) {
    y = z + z * (square * Polynomial(kAbove, square) / Polynomial(kBelow, square));
  }
  if ((octant.index & 2) != 0) y = -1 / y;
  return x < 0 ? -y : y;
}

double GoAtan(double x) {
  if (x == 0) return x;
  return x > 0 ? ArcTangent(x) : -ArcTangent(-x);
}

double GoAsin(double x) {
  if (x == 0) return x;
  const double size = std::abs(x);
  if (size > 1) return kNan;
  const double root = std::sqrt(1 - size * size);
  const double y = size > 0.7 ? kPi / 2 - ArcTangent(root / size) : ArcTangent(size / root);
  return x < 0 ? -y : y;
}

double GoAcos(double x) { return kPi / 2 - GoAsin(x); }

double GoAtan2(double y, double x) {
  if (std::isnan(x) || std::isnan(y)) return kNan;
  if (x == 0 || y == 0 || std::isinf(x) || std::isinf(y)) return std::atan2(y, x);
  const double q = GoAtan(y / x);
  if (x >= 0) return q;
  return q <= 0 ? q + kPi : q - kPi;
}

// With one rounding for each step of the series, in a sixteenth of the argument, which is then
// squared four times.
double GoExp(double x) {
  constexpr double kLn2Upper = 0.69314718055966295651160180568695068359375;
  constexpr double kLn2Lower = 0.28235290563031577122588448175013436025525412068e-12;
  constexpr double kTerms[] = {1.9841269841269841270e-4,
                               1.3888888888888888889e-3,
                               8.3333333333333333333e-3,
                               4.1666666666666666667e-2,
                               1.6666666666666666667e-1,
                               0.5,
                               1.0};
  if (std::isnan(x)) return x;
  if (x > 7.09782712893384e+02) return kInfinity;
  if (x < -800) return 0;
  const double count = std::nearbyint(x * std::numbers::log2e);
  double r = std::fma(-kLn2Upper, count, x);
  r = std::fma(-kLn2Lower, count, r) * 0.0625;
  double series = 2.4801587301587301587e-5;
  for (const double term : kTerms) series = std::fma(series, r, term);
  r *= series;
  for (int i = 0; i < 3; ++i) r *= r + 2.0;
  r = std::fma(r + 2.0, r, 1.0);
  const int exponent = static_cast<int>(count);
  if (exponent > 1023) return kInfinity;
  if (exponent < -1022 - 53) return 0;
  return std::ldexp(r, exponent);
}

double GoExp2(double x) {
  if (std::isnan(x)) return x;
  if (x > 1.0239999999999999e+03) return kInfinity;
  if (x < -1.0740e+03) return 0;
  const int whole = static_cast<int>(x > 0 ? x + 0.5 : x < 0 ? x - 0.5 : 0);
  const double rest = x - whole;
  const double high = rest * kLn2High;
  const double low = -rest * kLn2Low;
  constexpr double kTerms[] = {4.13813679705723846039e-08, -1.65339022054652515390e-06,
                               6.61375632143793436117e-05, -2.77777777770155933842e-03,
                               1.66666666666666657415e-01};
  const double r = high - low;
  const double square = r * r;
  const double c = r - square * Polynomial(kTerms, square);
  return std::ldexp(1 - ((low - (r * c) / (2 - c)) - high), whole);
}

double GoSinh(double x) {
  constexpr double kAbove[] = {-0.2630563213397497062819489e+2, -0.2894211355989563807284660366e+4,
                               -0.8991272022039509355398013511e+5,
                               -0.6307673640497716991184787251e+6};
  constexpr double kBelow[] = {1, -0.173678953558233699533450911e+3,
                               0.1521517378790019070696485176e+5,
                               -0.6307673640497716991212077277e+6};
  const double size = x < 0 ? -x : x;  // -0 stays
  double y = 0;
  if (size > 21) {
    y = GoExp(size) * 0.5;
  } else if (size > 0.5) {
    const double e = GoExp(size);
    y = (e - 1 / e) * 0.5;
  } else {
    const double square = size * size;
    y = Polynomial(kAbove, square) * size / Polynomial(kBelow, square);
  }
  return x < 0 ? -y : y;
}

double GoCosh(double x) {
  const double e = GoExp(std::abs(x));
  return std::abs(x) > 21 ? e * 0.5 : (e + 1 / e) * 0.5;
}

double GoTanh(double x) {
  constexpr double kAbove[] = {-9.64399179425052238628e-1, -9.92877231001918586564e1,
                               -1.61468768441708447952e3};
  constexpr double kBelow[] = {1, 1.12811678491632931402e2, 2.23548839060100448583e3,
                               4.84406305325125486048e3};
  constexpr double kLargest = 8.8029691931113054295988e+01;
  const double size = std::abs(x);
  if (size > 0.5 * kLargest) return x < 0 ? -1 : 1;
  if (size >= 0.625) {
    const double y = 1 - 2 / (GoExp(2 * size) + 1);
    return x < 0 ? -y : y;
  }
  if (x == 0) return x;
  const double square = x * x;
  return x + x * square * Polynomial(kAbove, square) / Polynomial(kBelow, square);
}

double GoLog(double x) {
  if (std::isnan(x) || x == kInfinity) return x;
  if (x < 0) return kNan;
  if (x == 0) return -kInfinity;
  // The exponent of a denormal is taken as it stands, and a leading one is added to its digits.
  constexpr uint64_t kDigits = (uint64_t{1} << 52) - 1;
  constexpr uint64_t kHalf = uint64_t{0x3fe} << 52;
  const auto bits = std::bit_cast<uint64_t>(x);
  double fraction = std::bit_cast<double>((bits & kDigits) | kHalf);
  auto exponent = static_cast<double>(static_cast<int>(bits >> 52) - 0x3fe);
  if (fraction <= 7.07106781186547524401e-01) {
    fraction *= 2;
    exponent -= 1;
  }
  const double f = fraction - 1;
  const double s = f / (2 + f);
  const double square = s * s;
  const double fourth = square * square;
  constexpr double kOdd[] = {1.479819860510658591e-01, 1.818357216161805012e-01,
                             2.857142874366239149e-01, 6.666666666666735130e-01};
  constexpr double kEven[] = {1.531383769920937332e-01, 2.222219843214978396e-01,
                              3.999999999940941908e-01};
  const double series = square * Polynomial(kOdd, fourth) + fourth * Polynomial(kEven, fourth);
  const double half_square = 0.5 * f * f;
  return exponent * kLn2High -
         ((half_square - (s * (half_square + series) + exponent * kLn2Low)) - f);
}

double GoLog2(double x) {
  if (!(x > 0) || std::isinf(x)) return GoLog(x);
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  if (fraction == 0.5) return exponent - 1;
  return GoLog(fraction) * std::numbers::log2e + exponent;
}

double GoLog10(double x) { return GoLog(x) * std::numbers::log10e; }

// msun: log(2^k (1 + f)) with the fraction between sqrt(1/2) and sqrt(2), and what rounding 1 + x
// loses put back.
double GoLog1p(double x) {
  if (std::isnan(x) || x < -1) return kNan;
  if (x == -1) return -kInfinity;
  if (x == kInfinity) return x;
  const double size = std::abs(x);
  if (size < 0x1p-54) return x;
  if (size < 0x1p-29) return x - x * x * 0.5;
  constexpr double kSqrt2Minus1 = 4.142135623730950488017e-01;
  constexpr double kHalfSqrt2Minus1 = -2.928932188134524755992e-01;
  constexpr int kMantissaBits = 52;
  constexpr uint64_t kDigits = (uint64_t{1} << kMantissaBits) - 1;
  constexpr uint64_t kDigitsOfSqrt2 = 0x0006a09e667f3bcd;
  double f = x;
  double k = 0;
  double lost = 0;
  bool tiny = false;  // |f| < 2^-20
  if (size >= kSqrt2Minus1 || x <= kHalfSqrt2Minus1) {
    const double sum = size < 0x1p53 ? 1 + x : x;
    const auto bits = std::bit_cast<uint64_t>(sum);
    const uint64_t digits = bits & kDigits;
    int exponent = static_cast<int>(bits >> kMantissaBits) - 1023;
    if (size < 0x1p53) lost = (exponent > 0 ? 1 - (sum - x) : x - (sum - 1)) / sum;
    uint64_t scale = 1023;
    tiny = digits == 0;
    if (digits >= kDigitsOfSqrt2) {
      ++exponent;
      --scale;
      tiny = (kDigits + 1 - digits) >> 2 == 0;
    }
    f = std::bit_cast<double>(digits | scale << kMantissaBits) - 1;
    k = exponent;
  }
  const double half_square = 0.5 * f * f;
  if (tiny) {
    if (f == 0) return k == 0 ? 0 : k * kLn2High + (lost + k * kLn2Low);
    const double rest = half_square * (1 - 0.66666666666666666 * f);
    return k == 0 ? f - rest : k * kLn2High - ((rest - (k * kLn2Low + lost)) - f);
  }
  constexpr double kTerms[] = {1.479819860510658591e-01, 1.531383769920937332e-01,
                               1.818357216161805012e-01, 2.222219843214978396e-01,
                               2.857142874366239149e-01, 3.999999999940941908e-01,
                               6.666666666666735130e-01};
  const double s = f / (2 + f);
  const double square = s * s;
  const double series = square * Polynomial(kTerms, square);
  if (k == 0) return f - (half_square - s * (half_square + series));
  return k * kLn2High - ((half_square - (s * (half_square + series) + (k * kLn2Low + lost))) - f);
}

double GoAsinh(double x) {
  if (!std::isfinite(x)) return x;
  const double size = x < 0 ? -x : x;  // -0 stays
  double y = size;
  if (size > 0x1p28) {
    y = GoLog(size) + std::numbers::ln2;
  } else if (size > 2) {
    y = GoLog(2 * size + 1 / (std::sqrt(size * size + 1) + size));
  } else if (size >= 0x1p-28) {
    y = GoLog1p(size + size * size / (1 + std::sqrt(1 + size * size)));
  }
  return x < 0 ? -y : y;
}

double GoAcosh(double x) {
  if (std::isnan(x) || x < 1) return kNan;
  if (x == 1) return 0;
  if (x >= 0x1p28) return GoLog(x) + std::numbers::ln2;
  if (x > 2) return GoLog(2 * x - 1 / (x + std::sqrt(x * x - 1)));
  const double t = x - 1;
  return GoLog1p(t + std::sqrt(2 * t + t * t));
}

double GoAtanh(double x) {
  if (std::isnan(x) || x < -1 || x > 1) return kNan;
  const double size = x < 0 ? -x : x;  // -0 stays
  double y = size;
  if (size == 1) {
    y = kInfinity;
  } else if (size >= 0.5) {
    y = 0.5 * GoLog1p((size + size) / (1 - size));
  } else if (size >= 0x1p-28) {
    const double twice = size + size;
    y = 0.5 * GoLog1p(twice + twice * size / (1 - size));
  }
  return x < 0 ? -y : y;
}

double GoPow(double x, double y) {
  double whole = 0;
  double fraction = std::modf(std::fabs(y), &whole);
  constexpr double kLargestWhole = 9007199254740992.0;  // 2^53
  if (!std::isfinite(x) || !std::isfinite(y) || x == 0 || y == 0 || whole > kLargestWhole ||
      (x < 0 && fraction != 0)) {
    return std::pow(x, y);
  }
  if (y == 0.5) return std::sqrt(x);
  if (y == -0.5) return 1 / std::sqrt(x);
  double mantissa = 1;
  int64_t exponent = 0;
  if (fraction > 0.5) {
    fraction -= 1;
    whole += 1;
  }
  if (fraction != 0) mantissa = GoExp(fraction * GoLog(x));
  int base_exponent = 0;
  double base = std::frexp(x, &base_exponent);
  int64_t e = base_exponent;
  for (auto bits = static_cast<int64_t>(whole); bits != 0; bits >>= 1) {
    if (e < -4096 || e > 4096) {  // far beyond what a float holds
      exponent += e;
      break;
    }
    if ((bits & 1) != 0) {
      mantissa *= base;
      exponent += e;
    }
    base *= base;
    e *= 2;
    if (base < 0.5) {
      base += base;
      --e;
    }
  }
  if (y < 0) {
    mantissa = 1 / mantissa;
    exponent = -exponent;
  }
  return std::ldexp(mantissa, static_cast<int>(std::clamp<int64_t>(exponent, -10'000, 10'000)));
}

}  // namespace tsdb
