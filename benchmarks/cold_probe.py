"""Run by the Lambda runtime in place of the client's own start: notes what the init and each event took.

Whenever the client waits for an event, one line of JSON goes to the file that SELFSAME_PROBE names: the CPU that the
process has used so far (without the repeats), its resident memory, and of the event before it the time in the handler.
The first event is answered once; later ones are answered once, and then again for a while: the median of that is noted.
"""
# ruff: noqa: E402 - the runtime client stands on a path that has to be set first

import sys

sys.path[:0] = sys.argv[2:]

import os
import time

from awslambdaric import bootstrap
from awslambdaric.__main__ import main
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

SECONDS = 0.04
PAGE = os.sysconf("SC_PAGE_SIZE")
notes = os.open(os.environ["SELFSAME_PROBE"], os.O_WRONLY | os.O_APPEND)
last = {}
repeated = [0.0]  # CPU seconds
find, wait = bootstrap._get_handler, LambdaRuntimeClient.wait_next_invocation


def timed(handler, event, context):
    """Wall and CPU milliseconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    response = handler(event, context)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if response["statusCode"] != 200:
        raise RuntimeError(response["body"])
    return wall * 1e3, cpu * 1e3, response


def watched(name):
    """The handler, and around it the clock."""
    handler = find(name)

    def answer(event, context):
        first = not last
        wall, cpu, response = timed(handler, event, context)
        last.update(wall=wall, cpu=cpu)
        if not first:
            begun, end, again = time.process_time(), time.perf_counter() + SECONDS, []
            while time.perf_counter() < end:
                again.append(timed(handler, event, context)[:2])
            for kind, times in zip(("wall_often", "cpu_often"), zip(*again, strict=True), strict=True):
                last[kind] = sorted(times)[len(times) // 2]
            repeated[0] += time.process_time() - begun
        return response

    return answer


def noted(client):
    """The wait for an event, and before it the note."""
    memory = os.open("/proc/self/statm", os.O_RDONLY)
    resident = int(os.read(memory, 64).split()[1]) * PAGE / 1e6
    os.close(memory)
    told = {"process_cpu": (time.process_time() - repeated[0]) * 1e3, "resident": resident, **last}
    os.write(notes, (repr(told).replace("'", '"') + "\n").encode())
    return wait(client)


bootstrap._get_handler, LambdaRuntimeClient.wait_next_invocation = watched, noted
main(sys.argv[:2])
