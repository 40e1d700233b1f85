# Imported targets for everything that is not ours. Include directories of imported targets are system
# directories, so that our warnings do not apply to them. All of these are Debian 12 packages
# (scripts/install-deps); what has a static archive is linked statically.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(GTest REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS headers)

# tsdb_static(<target> <library> [dependencies...]): an imported static library of the system.
function(tsdb_static target library)
  find_library(TSDB_LIB_${library} NAMES lib${library}.a REQUIRED)
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${TSDB_LIB_${library}}
    INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()

tsdb_static(third::snappy snappy)
tsdb_static(third::zstd zstd)
tsdb_static(third::z z)
tsdb_static(third::lz4 lz4)
tsdb_static(third::bz2 bz2)
tsdb_static(third::rocksdb rocksdb third::snappy third::zstd third::z third::lz4 third::bz2 Threads::Threads dl)
tsdb_static(third::protobuf protobuf third::z Threads::Threads)
tsdb_static(third::re2 re2 Threads::Threads)
tsdb_static(third::yaml yaml-cpp)
tsdb_static(third::boost_json boost_json)
tsdb_static(third::xxhash xxhash)
tsdb_static(third::sodium sodium)

# Debian ships these as shared libraries only.
find_library(TSDB_LIB_ROARING roaring REQUIRED)
add_library(third::roaring UNKNOWN IMPORTED GLOBAL)
set_target_properties(third::roaring PROPERTIES IMPORTED_LOCATION ${TSDB_LIB_ROARING})

find_package(benchmark QUIET)
