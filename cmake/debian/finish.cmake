# What Debian wants of a package's files beyond what is installed everywhere. CPack runs this when
# the parts are staged, before they are packed.
set(staged "${CPACK_TEMPORARY_DIRECTORY}")
set(debian "${CPACK_TURNSTILE_SOURCE_DIR}/cmake/debian")

foreach(part IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${part} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(doc "${staged}/${part}/usr/share/doc")
  # One folder, named after the package; the licence is in its copyright file.
  file(MAKE_DIRECTORY "${doc}")
  if(IS_DIRECTORY "${doc}/turnstile" AND NOT package STREQUAL "turnstile")
    file(RENAME "${doc}/turnstile" "${doc}/${package}")
  endif()
  file(MAKE_DIRECTORY "${doc}/${package}")
  file(REMOVE "${doc}/${package}/LICENSE")
  file(COPY "${debian}/copyright" DESTINATION "${doc}/${package}"
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  file(COPY "${CPACK_TURNSTILE_SOURCE_DIR}/CHANGELOG.md" DESTINATION "${doc}/${package}"
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  file(RENAME "${doc}/${package}/CHANGELOG.md" "${doc}/${package}/changelog")
  set(compressed "${doc}/${package}/changelog")
  file(GLOB pages "${staged}/${part}/usr/share/man/man1/*.1")
  list(APPEND compressed ${pages})
  # -n: without the time, so that the same sources give the same package.
  execute_process(COMMAND gzip -9nf ${compressed} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
