# One room of src/: valence_room(NAME SOURCES ... DEPENDS ...) makes the static library valence_NAME.
function(valence_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(valence_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(valence_${name} PUBLIC ${ARG_DEPENDS})
endfunction()

# valence_test(NAME SOURCES ... DEPENDS ...): one GoogleTest program, one ctest entry.
function(valence_test name)
  if(NOT VALENCE_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gtest_main GTest::gmock)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
