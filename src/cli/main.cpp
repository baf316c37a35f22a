#include "cli/program.h"

int main(int argc, char** argv) { return glmgate::cli::run(argc, argv); }
