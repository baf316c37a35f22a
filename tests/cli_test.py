#!/usr/bin/env python3
"""The command line as people use it: what is typed, what is printed, the exit code, and what is left on the disk.

usage: cli_test.py PROGRAM
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from harness import Results, Skipped, Server

# Made here so that no key stands in the tree.
KEY = "0123456789abcdef" * 2 + "." + "ABCDEFGH" + "IJKLMN12"


class Shell:
    """Runs the program in an environment of its own, with nothing set that it reads."""

    def __init__(self, program):
        self.program = str(pathlib.Path(program).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="glmgate-cli-"))
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("ZAI_", "Z_AI_", "ZHIPU_", "GLMGATE_", "XDG_", "SSL_"))}
        self.env = {**keep, "HOME": str(self.folder / "home"), "GLMGATE_DATA": str(self.folder / "nothing")}
        (self.folder / "home").mkdir()

    def __call__(self, *words, env=None, stdin=None, cwd=None, timeout=30):
        return subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, timeout=timeout, cwd=cwd,
                              env={**self.env, **(env or {})}, input=stdin)

    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def expect(done, code, *says, out=None):
    text = done.stdout + done.stderr
    assert done.returncode == code, f"exit {done.returncode}, not {code}: {text}"
    for each in says:
        assert each in text, f"does not say {each!r}: {text}"
    if out is not None:
        assert out in done.stdout, f"stdout does not say {out!r}: {done.stdout}"
    if code:
        assert done.stderr.startswith(("error: ", "{")), f"not in the form of an error: {done.stderr}"
    return done


def words(shell):
    expect(shell(), 0, out="usage: glmgate COMMAND")
    for line in ("--help", "-h", "help", "help --json"):
        expect(shell(*line.split()), 0, out="Commands:")
    for line in ("--version", "-V", "-v", "version", "serve --version"):
        assert shell(*line.split()).stdout.startswith("glmgate "), line
    for line in ("help keys create", "keys create --help", "keys --help create", "keys help create".replace("help create", "create -h")):
        expect(shell(*line.split()), 0, "--user NAME", "--data DIR", "--json", "Examples:", "GLMGATE_DATA", out="usage: glmgate keys create --user NAME")
    expect(shell("serve", "-h"), 0, "GLMGATE_LISTEN", "ZAI_API_KEY", "--config FILE", "docs/config.md", "--public-in-clear")
    expect(shell("config", "check", "-h"), 0, "[FILE]", "--config FILE")
    expect(shell("usage", "-h"), 0, "--since", "--json", "--data DIR")


def wrong_words(shell):
    table = [
        ("servee", "there is no command `glmgate servee`", "hint: did you mean `glmgate serve`?"),
        ("keys lst", "no command `glmgate keys lst`", "did you mean `glmgate keys list`?"),
        ("create", "no command", "did you mean `glmgate keys create`?"),
        ("start", "no command", "did you mean `glmgate serve`?"),
        ("keys rm x", "no command", "did you mean `glmgate keys revoke`?"),
        ("help servee", "no command", "did you mean `glmgate serve`?"),
        ("xyzzy", "no command `glmgate xyzzy`", "`glmgate --help` tells what there is"),
        ("serve --lisen x", "`glmgate serve` has no option `--lisen`", "did you mean `--listen`?"),
        ("serve --lisen=x", "has no option `--lisen`", "did you mean `--listen`?"),
        ("usage --listen x", "`glmgate usage` has no option `--listen`", "`glmgate serve` has one"),
        ("serve -x", "has no option `-x`", "--help` tells what there is"),
        ("serve now", "does not know what to do with `now`", "hint:"),
        ("keys revoke a b", "does not know what to do with `b`", "hint:"),
        ("keys", "`glmgate keys` needs a command", "create, list, revoke or rotate"),
        ("--json=false keys", "needs a command", "hint:"),
        ("keys create", "--user is required", "hint: `glmgate keys create --help` tells more"),
        ("serve --listen", "`--listen` needs a value", "HOST:PORT"),
        ("serve --workers many", "--workers", "hint:"),
        ("serve --workers 100000", "--workers", "hint:"),
        ("completion tcsh", "no completion for `tcsh`", "bash, zsh or fish"),
    ]
    for line, *says in table:
        expect(shell(*line.split()), 2, *says)
    done = shell("servee", "--json")
    error = json.loads(done.stderr)["error"]
    assert done.returncode == 2 and error["hint"] == "did you mean `glmgate serve`?", done.stderr


def keys_stay_hidden(shell):
    env = {"ZAI_API_KEY": "x"}
    for number, text in enumerate([
            f'[upstream.plan]\nprovider = "zai"\nkey_env = "{KEY}"\n', f'[upstream.plan]\nprovider = "zai"\nkey_file = "{KEY}"\n',
            f'[upstream.plan]\nprovider = "zai"\nkey = "{KEY}"\n', f'[upstream.plan]\nprovider = "zai"\nkey_env = {KEY}\n',
            f'[upstream.plan]\nprovider = "engine"\nurl = "http://me:{KEY}@127.0.0.1/v1"\n', f"ZAI_API_KEY={KEY}\n",
            f'[upstream.plan]\nprovider = "engine"\nurl = "{KEY}"\n', f'[service.a]\nupstreams = ["{KEY}"]\n', f'listen = "{KEY}"\n',
            f'[upstream."{KEY}"]\nprovider = "engine"\nurl = "x"\n', f'[tokens]\nvocabulary = "{KEY}"\n']):
        path = shell.file(f"secret{number}.toml", text)
        for command in ("check", "serve"):
            done = shell(*(["config", "check", path] if command == "check" else ["serve", "--config", path]), env=env)
            told = done.stdout + done.stderr
            assert done.returncode == 1, f"{command} took {text!r}: {told}"
            assert KEY[:20] not in told and KEY[33:] not in told, f"{command} of {text!r} tells the key: {told}"
    for line in ([KEY], ["serve", KEY], ["serve", "--" + KEY], ["serve", "--listen", KEY], ["config", "check", KEY], ["sandbox", "--key-env", KEY],
                 ["keys", "revoke", KEY], ["usage", "--by", KEY], ["usage", "--since", KEY], ["sandbox", "--listen", KEY],
                 ["keys", "create", "--user", "a b " + KEY], ["completion", KEY], ["serve", "--workers", KEY]):
        done = shell(*line)
        told = done.stdout + done.stderr
        assert done.returncode != 0 and KEY[:20] not in told and KEY[33:] not in told, f"{line[:2]}: {told}"
    for name in ("LISTEN", "WORKERS", "LOG", "CONFIG"):
        done = shell("config", "check", shell.file("empty.toml", ""), env={f"GLMGATE_{name}": KEY})
        assert done.returncode and KEY[:20] not in done.stderr, f"{name}: {done.stderr}"


def a_reload_hides_keys(program):
    server = Server(program, config='[upstream.a]\nurl = "http://127.0.0.1:1/v1"\n')
    try:
        server.config.write_text(f'[upstream.a]\nprovider = "zai"\nkey_env = "{KEY}"\n')
        done = server.cli("reload", check=False)
        assert done.returncode == 1 and "takes the NAME of a variable" in done.stderr, done.stderr
        assert "goes on with its old configuration" in done.stderr, done.stderr
        seen = done.stderr + done.stdout + server.log() + (server.data / "run.json").read_text()
        assert KEY[:20] not in seen and KEY[33:] not in seen, seen
        assert "at=reload" in server.log()
    finally:
        server.close()


def one_data_folder(program, shell):
    server = Server(program, start=False)
    path = shell.file("data.toml", f'data = "{server.data}"\n[upstream.a]\nprovider = "zai"\nkey_env = "GLMGATE_NOT_SET"\n')
    env = {"GLMGATE_DATA": ""}
    try:
        server.start()
        expect(shell("keys", "list", "--config", path, env=env), 0, "admin")
        expect(shell("usage", "--config", path, env=env), 0, "Nothing has been used")
        expect(shell("reload", "--config", path, env=env), 0, "reloaded")
        expect(shell("keys", "list", env={**env, "GLMGATE_CONFIG": str(path)}), 0, "admin")
        expect(shell("keys", "list", "--config", path, "--data", shell.folder / "other", env=env), 1, f"there is no glmgate at {shell.folder}/other")
        expect(shell("keys", "list", "--config", path, env={"GLMGATE_DATA": str(shell.folder / "other")}), 1, "there is no glmgate at")
    finally:
        server.close()


def readers_make_nothing(shell):
    nowhere = shell.folder / "typo" / "deep"
    for path in ("~/x", "~other"):
        expect(shell("usage", "--data", path), 2, "`~` is the shell's", "write the whole path")
        expect(shell("serve", "--data", path, cwd=shell.folder), 1, "`~` is the shell's")
    expect(shell("config", "check", "~/x.toml"), 1, "`~` is the shell's")
    for line in (["usage"], ["keys", "list"], ["keys", "revoke", "k_1"], ["keys", "rotate", "k_1"], ["reload"]):
        expect(shell(*line, "--data", nowhere), 1, f"there is no glmgate at {nowhere}", "hint: ")
        assert not nowhere.parent.exists(), f"{line} made {nowhere.parent}"
    empty = shell.folder / "empty-folder"
    empty.mkdir()
    expect(shell("usage", "--data", empty), 1, "there is no glmgate at")
    expect(shell("config", "check", shell.file("good.toml", f'data = "{nowhere}"\n'), env={"GLMGATE_DATA": ""}), 0, "good")
    assert not nowhere.parent.exists() and not list(empty.iterdir())
    done = expect(shell("keys", "create", "--user", "ada", "--data", shell.folder / "made"), 0, f"Made the data folder {shell.folder}/made")
    assert done.stdout.startswith("sk-"), done.stdout
    assert "Made" not in shell("keys", "create", "--user", "ada", "--data", shell.folder / "made").stderr
    expect(shell("keys", "list", "--data", shell.folder / "made"), 0, "ada")


def check_is_serve(program, shell):
    """Whatever `config check` says, `serve` says; good files are served."""
    sandbox = '[upstream.test]\nprovider = "sandbox"\n'
    good = {"sandbox": sandbox, "empty": "", "comment": "# nothing\n", "bom": b"\xef\xbb\xbf" + sandbox.encode(),
            "crlf": sandbox.replace("\n", "\r\n"), "only": "sandbox_only = true\n",
            "engine": '[upstream.local]\nprovider = "engine"\nurl = "http://127.0.0.1:9/v1"\n'}
    for name, text in good.items():
        path = shell.file("good-" + name + ".toml", text)
        expect(shell("config", "check", path), 0, "good")
        expect(shell("config", "check", "--config", path), 0, "good")
        assert json.loads(shell("config", "check", path, "--json").stdout)["good"] is True
        server = Server(program, start=False, args=["--config", str(path)])
        try:
            server.start()
        finally:
            server.close()
    pem = shell.file("not.pem", "nothing")
    bad = {
        "tls": ('[server]\ntls_certificate = "/nope"\ntls_key = "/nope"\n', "/nope"),
        "half": (f'[server]\ntls_certificate = "{pem}"\n', "`server.tls_key` is missing"),
        "other half": (f'[server]\ntls_key = "{pem}"\n', "`server.tls_certificate` is missing"),
        "port": ('listen = "127.0.0.1:99999"\n', "99999"),
        "no port": ('listen = "127.0.0.1"\n', "port"),
        "negative": ('listen = "127.0.0.1:-1"\n', "-1"),
        "v6": ('listen = "::1:0"\n', "bracket"),
        "url": ('listen = "http://127.0.0.1:0"\n', "HOST:PORT"),
        "public": ('listen = "0.0.0.0:0"\n', "can be reached from outside"),
        "proc": ('data = "/proc/nope"\n', "/proc"),
        "file": (f'data = "{pem}"\n', "not a folder"),
        "below a file": (f'data = "{pem}/x"\n', "data folder"),
        "engine": ("[upstream.a]\n", "`upstream.a.url` is needed"),
        "no key": ('[upstream.plan]\nprovider = "zai-coding"\n', ".toml:1: upstream.plan has no key"),
        "service": (sandbox + '[service.a]\nupstreams = ["b"]\n', ".toml:3: service.a names the upstream `b`"),
        "ca": ('[upstream.a]\nurl = "https://h/v1"\nca_file = "/nope"\n', "/nope"),
    }
    for name, (text, says) in bad.items():
        path = shell.file("bad.toml", text)
        env = {"GLMGATE_DATA": ""}
        told = expect(shell("config", "check", path, env=env), 1, says).stderr
        serve = expect(shell("serve", "--config", path, env=env), 1, says).stderr
        assert told in serve, f"{name}: {told!r} against {serve!r}"
        assert not (shell.folder / "home/.local").exists(), f"{name}: a refused configuration made a folder"
    expect(shell("config", "check"), 1, "glmgate config check FILE")
    expect(shell("config", "check", pem, "--config", "/other"), 1, "two configuration files")
    expect(shell("config", "check", shell.file("tls.toml", '[upstream.a]\nurl = "https://h/v1"\n'), env={"SSL_CERT_FILE": "/nope"}), 1,
           "SSL_CERT_FILE names /nope")


def certificates_are_found(shell):
    """Where this system has them, and where others do; without any the start says so."""
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/etc/ssl"], capture_output=True).returncode != 0:
        raise Skipped("no mount namespaces here")
    config = shell.file("far.toml", '[upstream.a]\nurl = "https://h/v1"\n')
    bundle = shell.folder / "bundle.pem"
    shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", bundle)

    def check(*steps):
        script = " && ".join([f"mount -t tmpfs none {each}" for each in ("/etc/ssl", "/usr/lib/ssl")] + [*steps, f"{shell.program} config check {config}"])
        return subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, env=shell.env, timeout=30)

    expect(shell("config", "check", config), 0, "good")
    expect(check(), 1, "this system has no certificates", "install ca-certificates")
    expect(check(f"cp {bundle} /etc/ssl/ca-bundle.pem"), 0, "good")
    expect(check("echo nonsense > /etc/ssl/ca-bundle.pem"), 1, "cannot load the system's certificates")
    expect(check("mkdir /usr/lib/ssl/certs", f"cp {bundle} /usr/lib/ssl/certs/x.pem"), 0, "good")


def files_that_are_none(shell):
    table = [("/", "it is a folder"), ("/no/such", "No such file"), (shell.file("w.toml", "listen = \"a\"\n".encode("utf-16")), "it is UTF-16"),
             (shell.file("big.toml", b"#" * (5 << 20)), "larger than 4 MiB"), (shell.file("nul.toml", b"a = 1\0"), "nul.toml:1:6: holds a control byte")]
    for path, says in table:
        expect(shell("config", "check", path), 1, says, "hint: ")
    expect(shell("config", "check", "/dev/null"), 0, "good")


def syntax_errors_show_the_line(shell):
    path = shell.file("syntax.toml", "# mine\n[upstream.plan]\nprovider = zai-coding\n")
    done = expect(shell("config", "check", path), 1)
    assert done.stderr == (f"error: {path}:3:12: text needs quotes around it\n\n  3 | provider = zai-coding\n    |            ^\n\n"
                           "hint: write provider = \"zai-coding\"\n"), done.stderr
    error = json.loads(shell("config", "check", path, "--json").stderr)["error"]
    assert error["hint"] == 'write provider = "zai-coding"' and ":3:12:" in error["message"], error


def reload_signals_no_stranger(program, shell):
    server = Server(program)
    victim = subprocess.Popen(["sleep", "60"])
    try:
        run = server.data / "run.json"
        written = json.loads(run.read_text())
        expect(server.cli("reload"), 0, "reloaded")
        assert json.loads(server.cli("reload", "--json").stdout)["reloaded"] is True

        # Another process has the number, while a server holds the folder.
        run.write_text(json.dumps({**written, "pid": victim.pid}))
        expect(server.cli("reload", check=False), 1, "but not as process")
        for pid in (0, -1, 2 ** 40):
            run.write_text(json.dumps({**written, "pid": pid}))
            expect(server.cli("reload", check=False), 1, "hint: ")
        run.write_text(json.dumps({k: v for k, v in written.items() if k != "started"} | {"pid": victim.pid}))
        expect(server.cli("reload", check=False), 1, "hint: ")

        # The server was killed, its file stays, and another process has its number.
        run.write_text(json.dumps(written))
        server.stop(signal.SIGKILL)
        expect(server.cli("reload", check=False), 1, "the last one ended without saying so")
        run.write_text(json.dumps({**written, "pid": victim.pid}))
        expect(server.cli("reload", check=False), 1, "no server runs on")
        time.sleep(0.1)
        assert victim.poll() is None, "a stranger was signalled"
    finally:
        victim.kill()
        victim.wait()
        server.close()


def lost_output_is_an_error(shell):
    made = shell("keys", "create", "--user", "ada", "--data", shell.folder / "full")
    assert made.returncode == 0
    for line in ("usage --json", "keys list", "--help", "--version", "completion bash", "man", "keys create --user eve"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([shell.program, *line.split(), "--data", str(shell.folder / "full")], stdout=full, stderr=subprocess.PIPE,
                                  text=True, env=shell.env)
        assert done.returncode == 1 and "error" in done.stderr and "No space left" in done.stderr, f"{line}: {done.returncode} {done.stderr}"


def misspelled_variables_are_told(program, shell):
    path = shell.file("sandbox.toml", '[upstream.a]\nurl = "http://127.0.0.1:9/v1"\nkey_env = "GLMGATE_MY_KEY"\n')
    done = expect(shell("config", "check", path, env={"GLMGATE_LISTN": "x", "GLMGATE_MY_KEY": "k"}), 0,
                  "warning: GLMGATE_LISTN is set, but is not a variable of glmgate; did you mean GLMGATE_LISTEN?")
    assert "MY_KEY" not in done.stderr, done.stderr
    server = Server(program, env={"GLMGATE_WORKRS": "2"})
    try:
        assert "did you mean GLMGATE_WORKERS?" in server.log(), server.log()
    finally:
        server.close()


def memory_is_private(program):
    for env, private in (({}, True), ({"GLMGATE_CORE_DUMPS": "1"}, False)):
        server = Server(program, env=env)
        try:
            limit = next(line for line in pathlib.Path(f"/proc/{server.process.pid}/limits").read_text().splitlines() if "core file" in line)
            assert (limit.split()[4:6] == ["0", "0"]) == private or not private, limit
            owner = os.stat(f"/proc/{server.process.pid}/mem").st_uid
            assert os.geteuid() == 0 or (owner == 0) == private, owner
        finally:
            server.close()


def strange_names_print_well(shell):
    name = "d\x1b[2Jé\n"
    done = expect(shell("usage", "--data", shell.folder / name), 1, "\\x1b[2J", "é")
    assert "\x1b" not in done.stderr
    raw = subprocess.run([shell.program, "usage", "--data", b"/tmp/\xff\xfe", "--json"], capture_output=True, env=shell.env)
    json.loads(raw.stderr.decode("utf-8"))
    path = shell.file("na\x1bme é.toml", "")
    expect(shell("config", "check", path), 0, "na\\x1bme é.toml: good")
    json.loads(shell("config", "check", path, "--json").stdout)


def color_is_for_terminals(shell):
    import pty
    for env, bold in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        main, side = pty.openpty()
        process = subprocess.Popen([shell.program, "servee"], stderr=side, stdout=subprocess.DEVNULL,
                                   env={**{k: v for k, v in shell.env.items() if k != "NO_COLOR"}, **env})
        process.wait(20)
        os.close(side)
        told = os.read(main, 4096)
        os.close(main)
        assert told.startswith(b"\x1b[1merror:\x1b[0m" if bold else b"error:"), told
    assert "\x1b" not in shell("servee", env={"TERM": "xterm"}).stderr


def completion_offers_what_there_is(shell):
    script = expect(shell("completion", "bash"), 0).stdout
    path = shell.file("completion.bash", script)

    def offered(*typed):
        line = f'source "{path}"; COMP_WORDS=({" ".join(repr(word) for word in typed)}); COMP_CWORD={len(typed) - 1}; _glmgate; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=shell.folder)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout.split()

    assert {"serve", "keys", "usage", "config", "reload", "sandbox", "completion"} <= set(offered("glmgate", ""))
    assert offered("glmgate", "ke") == ["keys"]
    assert {"create", "list", "revoke", "rotate"} <= set(offered("glmgate", "keys", ""))
    assert offered("glmgate", "keys", "create", "--us") == ["--user"]
    assert "--since" in offered("glmgate", "usage", "--data", "x", "--s")
    assert "empty.toml" in offered("glmgate", "config", "check", "emp") and "empty.toml" in offered("glmgate", "serve", "--config", "emp")
    for name in ("zsh", "fish"):
        script = expect(shell("completion", name), 0).stdout
        assert "/keys/create" in script and "since" in script
        if shutil.which(name):
            checked = subprocess.run([name, "-n", shell.file(f"completion.{name}", script)], capture_output=True, text=True)
            assert checked.returncode == 0, checked.stderr
    page = expect(shell("man"), 0).stdout
    assert page.startswith(".TH GLMGATE 1") and "keys create" in page and "since" in page


def main():
    program = sys.argv[1]
    results = Results("cli")
    shell = Shell(program)
    results.run("help_and_version_in_every_spelling", words, shell)
    results.run("wrong_words_are_told_with_what_was_meant", wrong_words, shell)
    results.run("keys_in_wrong_places_stay_hidden", keys_stay_hidden, shell)
    results.run("a_reload_hides_keys_too", a_reload_hides_keys, program)
    results.run("all_commands_mean_one_data_folder", one_data_folder, program, shell)
    results.run("reading_commands_make_nothing", readers_make_nothing, shell)
    results.run("config_check_says_what_serve_says", check_is_serve, program, shell)
    results.run("certificates_are_found_where_systems_have_them", certificates_are_found, shell)
    results.run("files_that_are_no_configuration", files_that_are_none, shell)
    results.run("syntax_errors_show_the_line", syntax_errors_show_the_line, shell)
    results.run("reload_signals_no_stranger", reload_signals_no_stranger, program, shell)
    results.run("lost_output_is_an_error", lost_output_is_an_error, shell)
    results.run("misspelled_variables_are_told", misspelled_variables_are_told, program, shell)
    results.run("memory_is_private", memory_is_private, program)
    results.run("strange_names_print_well", strange_names_print_well, shell)
    results.run("colour_is_for_terminals", color_is_for_terminals, shell)
    results.run("completion_offers_what_there_is", completion_offers_what_there_is, shell)
    shell.close()
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
