"""Run a built package in the real Lambda runtime: the official emulator binary with the official runtime client.

The emulator binary comes with aws-sam-cli, the runtime client from PyPI. Nothing else of this environment is
importable inside: no source tree, no site-packages.
"""

import functools
import http.client
import importlib.util
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from deploy.package import BUILD
from deploy.pythons import find_python, lambda_python, version_of
from deploy.wheels import ROOT, Arch, install_wheels

HANDLER = "lambda_handler.app.handler"
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}  # as in template.yaml; a test holds the two together
CLIENT_PINS = ("awslambdaric", "simplejson", "snapshot-restore-py")
START_SECONDS, INVOKE_SECONDS, STOP_SECONDS = 20.0, 120.0, 10.0
INVOKE_PATH = "/2015-03-31/functions/function/invocations"
BOOTSTRAP = "import sys; sys.path[:0] = sys.argv[2:]; from awslambdaric.__main__ import main; main(sys.argv[:2])"


class EmulatorError(RuntimeError):
    """The runtime cannot be run here, or a call did not come back: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str = "") -> None:
        super().__init__(f"{rule}; {got}. {remedy}".rstrip())


class Emulator:
    """A running Lambda runtime: call it with an event to get the handler's response.

    Attributes:
        python: the version of Python that runs the package, such as "3.13.0".
        events: events answered so far.
    """

    def __init__(self, port: int, python: str, log: Path) -> None:
        self.python, self.events = python, 0
        self._port, self._log = port, log

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Send one event of HTTP through the runtime.

        Raises:
            EmulatorError: the runtime gave no response of the handler, for example because its init failed.
        """
        response = self.invoke(event)
        if not isinstance(response, dict) or "statusCode" not in response:
            got = f"the runtime said {str(response)[:300]}; its log ends:\n{_tail(self._log)}"
            raise EmulatorError("The handler must answer every event", got)
        self.events += 1
        return response

    def invoke(self, event: Any) -> Any:
        """What the runtime says of one event: what the handler returned, or `errorType` and `errorMessage`."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=INVOKE_SECONDS)) as connection:
            connection.request("POST", INVOKE_PATH, json.dumps(event).encode(), {"content-type": "application/json"})
            answer = connection.getresponse().read()
        try:
            return json.loads(answer)
        except ValueError:
            return answer.decode("utf-8", "replace")

    def log(self) -> str:
        """What the runtime and the function have written so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def emulate(
    package: Path, settings: Mapping[str, str] | None = None, *, program: str = BOOTSTRAP
) -> Iterator[Emulator]:
    """Run a package that `build_package` made for this machine, from its own folder, until the block ends.

    Args:
        package: built for the Python version that `lambda_python` names and for this machine's architecture.
        settings: environment variables of the function, besides `ENVIRONMENT`.
        program: what the interpreter runs: the runtime client, unless a measurement wraps it.

    Raises:
        EmulatorError: no interpreter fits the package, or the emulator does not start.
    """
    package = package.resolve()
    version = _package_version(package)
    python = find_python(version)
    if python is None:
        remedy = f"Install Python {version}, or build the package for {lambda_python()}."
        raise EmulatorError(f"The package is for Python {version}", "no such interpreter is here", remedy)
    binary, client = _emulator_binary(), _runtime_client(version)
    ports = _free_ports()
    addresses = ["--runtime-api-address", f"127.0.0.1:{ports[0]}"]
    addresses += ["--runtime-interface-emulator-address", f"127.0.0.1:{ports[1]}"]
    runtime = [python, "-I", "-S", "-B", "-c", program, HANDLER, str(package), str(client)]
    environment = {"PATH": os.defpath, "LANG": "en_US.UTF-8", "TZ": ":UTC", "LAMBDA_TASK_ROOT": str(package)}
    with tempfile.TemporaryDirectory(prefix="selfsame-emulator-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603 - the emulator, fixed words and paths
                [str(binary), *addresses, *runtime],
                cwd=package,
                env={**environment, **ENVIRONMENT, **(settings or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_listening(process, ports[1], log)
            yield Emulator(ports[1], version_of(python), log)
        finally:
            _stop(process)


def _package_version(package: Path) -> str:
    try:
        return str(json.loads((package / BUILD).read_bytes())["python"])
    except OSError:
        rule, got = "A package is what `selfsame package` writes", f"{package} holds no {BUILD}"
        raise EmulatorError(rule, got, "Build it first.") from None


def machine_arch() -> Arch:
    """This machine's architecture, as Lambda names it."""
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


def _emulator_binary() -> Path:
    spec = importlib.util.find_spec("samcli")
    if sys.platform != "linux" or spec is None or spec.origin is None:
        got = f"this is {sys.platform}, aws-sam-cli is {'there' if spec else 'missing'}"
        raise EmulatorError("The emulator runs on Linux with aws-sam-cli installed", got)
    return Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{machine_arch()}"


@functools.cache
def _runtime_client(python: str) -> Path:
    """A folder with nothing but the runtime client, which Lambda itself provides; kept until the process ends."""
    holder = tempfile.TemporaryDirectory(prefix="selfsame-runtime-client-")
    _KEPT.append(holder)
    pins, site = ROOT / "requirements" / "all.txt", Path(holder.name) / "site"
    install_wheels(CLIENT_PINS, site, arch=machine_arch(), python=python, pins=pins)
    return site


_KEPT: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


def _free_ports() -> tuple[int, int]:
    with closing(socket.socket()) as first, closing(socket.socket()) as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise EmulatorError("The emulator must start", f"it did not; its log ends:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the emulator and the runtime below it: they are a session of their own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
