#include "tools/tsdbctl/commands.h"

int main(int argc, char** argv) { return tsdb::tsdbctl::Run(argc, argv); }
