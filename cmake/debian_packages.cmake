# pip shows little more than the last lines of a build that failed, so what is missing on Debian is said before CMake
# looks for it.
if(EXISTS /etc/debian_version)
  execute_process(COMMAND bash ${PROJECT_SOURCE_DIR}/scripts/setup --missing
                  OUTPUT_VARIABLE missing OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed AND missing)
    message(FATAL_ERROR "Debian packages are missing: ${missing}. Install them with scripts/setup, or with "
                        "apt-get install ${missing}")
  endif()
endif()
