# The warnings for our own code; the engine and the headers of others are exempt.
#
# g++ 12 at -O2 gives false positives for -Wrestrict in plain std::string code such as
# `s = "/" + s` (GCC bug 105651), so it is off there. Under the sanitizers g++ cannot follow the
# instrumented code and calls initialised variables uninitialised (GCC bug 105562), and it warns
# of fences that ThreadSanitizer does not model (-Wtsan). The other warnings have proved reliable.
#
# -Wmissing-field-initializers is off everywhere: designated initialisers leave fields out on
# purpose, which g++ does not take as an answer.
function(turnstile_set_warnings target)
  target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
      -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
    if(CMAKE_UNITY_BUILD)
      # A type in an unnamed namespace is taken for a mistake when its file is not the main one.
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-tsan)
    endif()
  elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wthread-safety)
  endif()
  if(TURNSTILE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
