# One room of src/: valence_room(NAME SOURCES ... DEPENDS ...) makes the static library valence_NAME.
function(valence_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(valence_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(valence_${name} PUBLIC ${ARG_DEPENDS})
  valence_room_headers(valence_${name})
endfunction()

# Where the target room_headers exists, its headers stand before every file of the target.
function(valence_room_headers target)
  if(TARGET room_headers)
    target_precompile_headers(${target} REUSE_FROM room_headers)
  endif()
endfunction()

# valence_test(NAME SOURCES ... DEPENDS ... [SINGLE_THREADED]): one GoogleTest program, one ctest entry. The target
# test_headers holds GoogleTest's headers, half of what compiling a test takes, compiled once for all. ThreadSanitizer has
# nothing to see in a SINGLE_THREADED one.
function(valence_test name)
  if(NOT VALENCE_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "SINGLE_THREADED" "" "SOURCES;DEPENDS" ${ARGN})
  if(ARG_SINGLE_THREADED AND VALENCE_SANITIZE STREQUAL "tsan")
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gtest_main GTest::gmock)
  target_compile_options(${name} PRIVATE ${test_options})
  target_precompile_headers(${name} REUSE_FROM test_headers)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# The same program once more on each older instruction set, so that what a newer machine computes in another way is
# tested on it too.
function(valence_test_on_older_isas name)
  if(VALENCE_TESTS AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    foreach(isa scalar avx2)
      add_test(NAME ${name}_${isa} COMMAND ${name})
      set_tests_properties(${name}_${isa} PROPERTIES ENVIRONMENT VALENCE_CPU_ISA=${isa})
    endforeach()
  endif()
endfunction()

# valence_linked_programs(KIND OUT): a program for each *_KIND.cc of this folder, whose first line names what it links,
# "// links: TARGET...". OUT lists the programs.
function(valence_linked_programs kind out)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_${kind}.cc)
  set(programs "")
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    file(STRINGS ${source} first_line LIMIT_COUNT 1)
    if(NOT first_line MATCHES "^// links: (.+)$")
      message(FATAL_ERROR "${source}: the first line must be '// links: TARGET...'")
    endif()
    separate_arguments(targets UNIX_COMMAND "${CMAKE_MATCH_1}")
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${targets})
    list(APPEND programs ${name})
  endforeach()
  set(${out} ${programs} PARENT_SCOPE)
endfunction()
