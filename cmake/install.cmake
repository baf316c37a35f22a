# What `cmake --install build/release --strip` puts under the prefix (/usr/local): the program, its systemd unit, its documents.
include(GNUInstallDirs)
configure_file(packaging/glmgate.service glmgate.service @ONLY)
install(TARGETS glmgate)
install(FILES ${PROJECT_BINARY_DIR}/glmgate.service DESTINATION lib/systemd/system)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
