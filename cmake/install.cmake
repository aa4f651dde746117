# cmake --install: the component `program` (the program, its man page, completions) and the component `library`
# (libvalence, its headers, the CMake package, the pkg-config file). Nothing refers to the place of the build.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(TARGETS valence RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(FILES man/valence.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
# The embedded language model has a licence of its own, whose notice goes where the program goes.
install(FILES models/language/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME language-model.md COMPONENT program)

# The completions come from the commands themselves.
set(completions ${PROJECT_BINARY_DIR}/completions)
foreach(shell_file IN ITEMS "bash valence bash-completion/completions" "zsh _valence zsh/site-functions"
                            "fish valence.fish fish/vendor_completions.d")
  separate_arguments(shell_file)
  list(GET shell_file 0 shell)
  list(GET shell_file 1 file)
  list(GET shell_file 2 folder)
  add_custom_command(
    OUTPUT ${completions}/${shell}/${file}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${completions}/${shell}
    COMMAND valence completions ${shell} > ${completions}/${shell}/${file}
    DEPENDS valence VERBATIM)
  list(APPEND completion_files ${completions}/${shell}/${file})
  install(FILES ${completions}/${shell}/${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder} COMPONENT program)
endforeach()
add_custom_target(completions ALL DEPENDS ${completion_files})

if(NOT TARGET valence_library)
  return()
endif()
install(TARGETS valence_library EXPORT ValenceTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(DIRECTORY include/valence DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library FILES_MATCHING PATTERN *.h)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Valence)
install(EXPORT ValenceTargets NAMESPACE valence:: DESTINATION ${package_folder} COMPONENT library)
configure_package_config_file(cmake/ValenceConfig.cmake.in ${PROJECT_BINARY_DIR}/package/ValenceConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/ValenceConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/ValenceConfig.cmake
              ${PROJECT_BINARY_DIR}/package/ValenceConfigVersion.cmake
        DESTINATION ${package_folder} COMPONENT library)

# Found from where the file itself lies, so that the installed tree can be moved.
file(RELATIVE_PATH relative_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" relative_prefix "${relative_prefix}")
configure_file(cmake/valence.pc.in ${PROJECT_BINARY_DIR}/package/valence.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/valence.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
