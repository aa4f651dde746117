# VALENCE_SANITIZE and VALENCE_FUZZ as compiler flags. Every finding ends the program.
if(VALENCE_SANITIZE STREQUAL "asan")
  set(sanitizers address,undefined)
elseif(VALENCE_SANITIZE STREQUAL "tsan")
  set(sanitizers thread)
elseif(VALENCE_SANITIZE)
  message(FATAL_ERROR "VALENCE_SANITIZE is '${VALENCE_SANITIZE}', expected asan, tsan or nothing")
endif()
if(sanitizers)
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${sanitizers})
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 uses its own deprecated std::get_temporary_buffer, which clang reports at the call of std::stable_sort.
  add_compile_options(-Wno-deprecated-declarations)
endif()

if(VALENCE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "VALENCE_FUZZ needs clang; use the preset asan")
  endif()
  # The coverage by which libFuzzer finds its way; only the targets of fuzz/ link its main().
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
