# With GLMGATE_PCH the standard library is read once for each target instead of once for each file. The builds
# that people install do without: there each file includes what it uses, or does not compile.
set(GLMGATE_STANDARD_HEADERS <algorithm> <array> <atomic> <charconv> <chrono> <coroutine> <expected> <filesystem> <functional> <map>
    <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <utility> <variant> <vector>)
function(glmgate_precompile target)
  if(GLMGATE_PCH)
    target_precompile_headers(${target} PRIVATE ${GLMGATE_STANDARD_HEADERS})
  endif()
endfunction()

# A room is a folder under src/ and one static library. `NEEDS` is the list of rooms it may include
# (tools/floors checks the include lines against it); `LINKS` names third-party targets that enter here.
# Files named *_test.cpp become the room's unit-test program, `<room>_test`.
function(glmgate_room name)
  cmake_parse_arguments(ROOM "" "" "NEEDS;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  add_library(room_${name} STATIC ${sources})
  target_link_libraries(room_${name} PUBLIC glmgate_flags ${ROOM_LINKS})
  glmgate_precompile(room_${name})
  foreach(needed ${ROOM_NEEDS})
    target_link_libraries(room_${name} PUBLIC room_${needed})
  endforeach()
  if(tests AND GLMGATE_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE room_${name} GTest::gtest GTest::gtest_main)
    glmgate_precompile(${name}_test)
    add_test(NAME ${name}_test COMMAND ${name}_test)
  endif()
endfunction()
