#!/usr/bin/env python3
"""Runs the whole-program suites against one build of the program.

usage: run_all.py PROGRAM [--long] [--sanitized]
"""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def main():
    program, *flags = sys.argv[1:]
    kills = ["--kills", "100"] if "--long" in flags else ["--kills", "5"]
    suites = [["run_cases.py", program], ["http_strict.py", program], ["cli_test.py", program], ["fault_test.py", program], ["routes_test.py", program], ["crash_test.py", program, *kills],
              ["growth_test.py", program], ["run_sdk.py", program], ["run_vocabulary.py", program], ["run_agents.py", program]]
    if "--sanitized" in flags:
        os.environ["GLMGATE_TEST_SLOW"] = "6"
        suites = [["run_cases.py", program, *([] if "--long" in flags else ["--brief"])], ["fault_test.py", program]]
    failed = False
    for suite in suites:
        failed |= subprocess.run([sys.executable, str(HERE / suite[0]), *suite[1:]]).returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
