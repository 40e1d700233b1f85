// Functions of Go's math package to the last digit, as its machine code for amd64 with FMA computes
// them: what is counted, compared, or subtracted from afterwards shows digits that the C library
// rounds differently. Sources: Moshier's Cephes library, FreeBSD's msun, Payne and Hanek's argument
// reduction, by way of Go's math (sin.go, tan.go, atan.go, exp_amd64.s, log_amd64.s, sinh.go ...).
// Thread-safe.
#pragma once

namespace tsdb {

double GoSin(double x);
double GoCos(double x);
double GoTan(double x);
double GoAsin(double x);
double GoAcos(double x);
double GoAtan(double x);
double GoAtan2(double y, double x);

double GoExp(double x);
double GoExp2(double x);
double GoSinh(double x);
double GoCosh(double x);
double GoTanh(double x);
double GoAsinh(double x);
double GoAcosh(double x);
double GoAtanh(double x);

// Of a denormal the natural and the decimal one are wrong, as on the machines that Prometheus runs
// on. The binary one goes by way of the fraction, which loses digits near 1.
double GoLog(double x);
double GoLog2(double x);
double GoLog10(double x);
double GoLog1p(double x);

// By repeated squaring.
double GoPow(double x, double y);

}  // namespace tsdb
