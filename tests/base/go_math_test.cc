#include "base/go_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The bits are what Go 1.26 gives on amd64.
TEST(GoMath, IsGosToTheLastDigit) {
  const struct {
    double (*function)(double);
    double x;
    uint64_t want;
  } cases[] = {
      {GoSin, 0.3, 0x3fd2e9cd95baba33},
      {GoSin, 2.2, 0x3fe9df33d9aad708},
      {GoSin, -5.1, 0x3feda0461cd822bb},
      {GoSin, 1.767229200123e+09, 0xbfef93ab2d3387e9},
      {GoSin, 1e+22, 0xbfeb453ab76bf398},
      {GoSin, 3.1415926, 0x3e6cc553391a625f},
      {GoSin, 123456.789, 0xbfeff50e60ab53f9},
      {GoCos, 0.3, 0x3fee921dd42f09ba},
      {GoCos, 1.5707963, 0x3e5cc553391a6262},
      {GoCos, -5.1, 0x3fd830c98ee45c9c},
      {GoCos, 1.767229200123e+09, 0x3fc4bf5e74bbef7e},
      {GoCos, 1e+300, 0xbfe2699022adc4c1},
      {GoCos, 77, 0xbf9fb7eb311ccfee},
      {GoTan, 0.3, 0x3fd3cc2a44e29998},
      {GoTan, 1.6, 0xc0411dc3a1f73bea},
      {GoTan, -40, 0x3ff1e01cc36ebc8d},
      {GoTan, 1.767229200123e+09, 0xc01859ee4ba21dae},
      {GoTan, 1e-09, 0x3e112e0be826d695},
      {GoAsin, 0.3, 0x3fd380159e14f6ff},
      {GoAsin, -0.71, 0xbfe94391bfac8e4b},
      {GoAsin, 0.99, 0x3ff6de3c6f33d51d},
      {GoAcos, 0.3, 0x3ff441f5ecbeef58},
      {GoAcos, -0.71, 0x4002e1e21a0d3a1f},
      {GoAcos, 0.99, 0x3fc21df72882bfd8},
      {GoAtan, 0.3, 0x3fd2a73a661eaf06},
      {GoAtan, -1.2, 0xbfec08aae496efa6},
      {GoAtan, 9e+09, 0x3ff921fb543c8a68},
      {GoExp, 1, 0x4005bf0a8b145769},
      {GoExp, -0.3, 0x3fe7b4c869c37c05},
      {GoExp, 17.77, 0x4188e04ade8d30e6},
      {GoExp, 700.5, 0x7f18625c7d4f56c3},
      {GoExp, -744.9, 0x0000000000000001},
      {GoExp, 1e-09, 0x3ff000000044b830},
      {GoExp2, 0.3, 0x3ff3b2c47bff8329},
      {GoExp2, -17.7, 0x3ed3b2c47bff832c},
      {GoExp2, 1000.1, 0x7e7125fbee2506b0},
      {GoExp2, -1073.5, 0x0000000000000001},
      {GoSinh, 0.3, 0x3fd37d42af54b926},
      {GoSinh, -2, 0xc00d03cf63b6e1a0},
      {GoSinh, 33, 0x42d866f34a725782},
      {GoCosh, 0.3, 0x3ff0b9b4e0b6ec4c},
      {GoCosh, -2, 0x400e18fa0df2d9bc},
      {GoCosh, 33, 0x42d866f34a725782},
      {GoTanh, 0.3, 0x3fd2a4dda7d914fa},
      {GoTanh, -2, 0xbfeed9505e1bc3d4},
      {GoTanh, 5, 0x3fefff419668df11},
      {GoLog1p, 0.3, 0x3fd0ca937be1b9dc},
      {GoLog1p, -0.3, 0xbfd6d3c324e13f4e},
      {GoLog1p, -0.9, 0xc0026bb1bbb55516},
      {GoLog1p, 1e-06, 0x3eb0c6f713f927aa},
      {GoLog1p, 3e-10, 0x3df49da7e3548631},
      {GoLog1p, 7, 0x4000a2b23f3bab73},
      {GoLog1p, 1e+17, 0x4043926cd770aa67},
      {GoLog1p, -0.29289321881345, 0xbfd62e42fefa39b0},
      {GoAsinh, 0.3, 0x3fd2ec4ea565fcc1},
      {GoAsinh, -1.7, 0xbff4d0291473fd4a},
      {GoAsinh, 5, 0x40027fdfac4e4380},
      {GoAsinh, 1e+10, 0x4037b810429a7c2a},
      {GoAsinh, 1e-09, 0x3e112e0be826d695},
      {GoAcosh, 1.0001, 0x3f8cf67d7ec0d4e6},
      {GoAcosh, 1.7, 0x3ff1f8c10d010fe6},
      {GoAcosh, 5, 0x400256e66a48a3b6},
      {GoAcosh, 1e+10, 0x4037b810429a7c2a},
      {GoAtanh, 0.3, 0x3fd3cf2b50617c96},
      {GoAtanh, -0.7, 0xbfebc0ed0947fbe8},
      {GoAtanh, 0.9999, 0x4013ce8f5de1814c},
      {GoAtanh, 1e-09, 0x3e112e0be826d695},
      {GoLog, 0.3, 0xbff34378fcbda721},
      {GoLog, 2, 0x3fe62e42fefa39ef},
      {GoLog, 1e+100, 0x406cc845b54b54f2},
      {GoLog, 5e-324, 0xc08628b76e3a7b61},
      {GoLog2, 0.3, 0xbffbca9c6f53897a},
      {GoLog2, 1.0000000001, 0x3de3d40900000000},
      {GoLog2, 1e+100, 0x4074c315bf6707b1},
      {GoLog2, 8, 0x4008000000000000},
      {GoLog10, 0.3, 0xbfe0bb6c34d81502},
      {GoLog10, 1000, 0x4008000000000000},
      {GoLog10, 1e+100, 0x4059000000000000},
      {GoLog10, 7, 0x3feb0b0b0b78cc3f},
  };
  for (const auto& [function, x, want] : cases) {
    EXPECT_EQ(std::bit_cast<uint64_t>(function(x)), want) << x << " gives " << function(x);
  }
  const struct {
    double (*function)(double, double);
    double x, y;
    uint64_t want;
  } pairs[] = {
      {GoAtan2, 3, -4, 0x4003fc176b7a8560},
      {GoAtan2, -1e-09, 1.7672292e+09, 0xbc24e05f9ff3b222},
      {GoAtan2, -2, 0.5, 0xbff5368c951e9cfc},
      {GoAtan2, 2, -2.5, 0x4003bc1cc0033274},
      {GoPow, 3.141592653589793, 175, 0x520021b43838edee},
      {GoPow, 2.5, 0.3, 0x3ff50fe6c94a6e58},
      {GoPow, 7, -3.3, 0x3f5aa4d10d024034},
  };
  for (const auto& [function, x, y, want] : pairs) {
    EXPECT_EQ(std::bit_cast<uint64_t>(function(x, y)), want) << x << ", " << y;
  }
}

TEST(GoMath, TakesWhatIsNoNumberOrZero) {
  for (double (*function)(double) : {GoSin, GoCos, GoTan, GoAsin, GoAcos}) {
    EXPECT_TRUE(std::isnan(function(kInfinity)));
    EXPECT_TRUE(std::isnan(function(std::nan(""))));
  }
  for (double (*function)(double) :
       {GoSin, GoTan, GoAsin, GoAtan, GoSinh, GoTanh, GoAsinh, GoAtanh, GoLog1p}) {
    EXPECT_TRUE(function(-0.0) == 0 && std::signbit(function(-0.0)));
  }
  EXPECT_EQ(GoAtan(-kInfinity), -std::numbers::pi / 2);
  EXPECT_EQ(GoAtan2(0, -1), std::numbers::pi);
  EXPECT_EQ(GoExp(-kInfinity), 0);
  EXPECT_EQ(GoExp(kInfinity), kInfinity);
  EXPECT_EQ(GoExp2(-kInfinity), 0);
  EXPECT_EQ(GoExp2(kInfinity), kInfinity);
  EXPECT_EQ(GoSinh(-kInfinity), -kInfinity);
  EXPECT_EQ(GoCosh(-kInfinity), kInfinity);
  EXPECT_EQ(GoTanh(-kInfinity), -1);
  EXPECT_EQ(GoLog1p(-1), -kInfinity);
  EXPECT_EQ(GoAsinh(-kInfinity), -kInfinity);
  EXPECT_EQ(GoAcosh(kInfinity), kInfinity);
  EXPECT_EQ(GoAcosh(1), 0);
  EXPECT_EQ(GoAtanh(-1), -kInfinity);
  for (double (*function)(double) : {GoLog1p, GoAcosh, GoAtanh}) {
    EXPECT_TRUE(std::isnan(function(-2)));
  }
  EXPECT_EQ(GoLog(0), -kInfinity);
  EXPECT_TRUE(std::isnan(GoLog(-1)));
  EXPECT_EQ(GoLog2(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(GoLog10(std::nan(""))));
}

}  // namespace
}  // namespace tsdb
