// Go's fmt: how a value prints, and Sprintf with its verbs, flags and error notes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "alert/template/value.h"

namespace tsdb::gotemplate {

// %v: what an action prints. nil is "<nil>" here; an action itself shows "<no value>".
std::string FormatValue(const Value& value);

// fmt.Sprint: a blank between two operands when neither is a string. fmt.Sprintln: always, and
// "\n".
std::string Sprint(std::span<const Value> values);
std::string Sprintln(std::span<const Value> values);
// fmt.Sprintf; mistakes show in the output as Go shows them ("%!d(string=x)").
std::string Sprintf(std::string_view format, std::span<const Value> values);

// %g as fmt prints a float by itself: shortest, an exponent below 1e-4 and from 1e6 on.
std::string FormatGoFloat(double value);
// %.<precision>g, with "+Inf", "-Inf" and "NaN".
std::string FormatGeneral(double value, int precision);

}  // namespace tsdb::gotemplate
